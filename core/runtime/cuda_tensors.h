// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/ATen.h>

#include "core/kernels/element.h"

namespace liveedit::runtime {

// nullopt for a dtype that the kernels do not know.
inline std::optional<kernels::Element> element_of(at::ScalarType dtype) {
  if (dtype == at::kFloat) return kernels::Element::kF32;
  if (dtype == at::kHalf) return kernels::Element::kF16;
  if (dtype == at::kBFloat16) return kernels::Element::kBf16;
  return std::nullopt;
}

inline bool is_aligned(const at::Tensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % 16 == 0;
}

// [B, C, h, w] as our kernels take it.
inline bool is_channels_last(const at::Tensor& x) {
  return x.is_cuda() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && is_aligned(x);
}

// [C] that goes with x [B, C, h, w].
inline bool is_vector(const at::Tensor& values, const at::Tensor& x) {
  return values.is_cuda() && values.dim() == 1 && values.size(0) == x.size(1) &&
         values.scalar_type() == x.scalar_type() && values.is_contiguous() && is_aligned(values);
}

}  // namespace liveedit::runtime
