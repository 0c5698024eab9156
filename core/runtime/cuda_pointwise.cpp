// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_pointwise.h"

#include "core/kernels/pointwise.h"
#include "core/runtime/cuda_stream.h"
#include "core/runtime/cuda_tensors.h"

namespace liveedit::runtime {

bool cuda_add_bias(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& residual, bool relu) {
  const auto element = element_of(x.scalar_type());
  if (!element || !is_channels_last(x) || !is_vector(bias, x)) return false;
  if (!kernels::pointwise_supported(static_cast<int>(x.size(1)), *element)) return false;
  if (residual.defined() &&
      (!is_channels_last(residual) || residual.sizes() != x.sizes() || residual.scalar_type() != x.scalar_type())) {
    return false;
  }
  kernels::AddBias work;
  work.x = x.mutable_data_ptr();
  work.bias = bias.const_data_ptr();
  if (residual.defined()) work.residual = residual.const_data_ptr();
  work.rows = x.size(0) * x.size(2) * x.size(3);
  work.channels = static_cast<int>(x.size(1));
  work.relu = relu;
  work.element = *element;
  kernels::add_bias_cuda(work, current_cuda_stream());
  return true;
}

at::Tensor cuda_geglu(const at::Tensor& x) {
  const auto element = element_of(x.scalar_type());
  if (!element || !x.is_cuda() || x.dim() == 0 || !x.is_contiguous() || !is_aligned(x)) return {};
  const std::int64_t channels = x.size(-1) / 2;
  if (x.size(-1) % 2 != 0 || !kernels::pointwise_supported(static_cast<int>(channels), *element)) return {};
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = channels;
  at::Tensor y = at::empty(shape, x.options());
  kernels::geglu_cuda(
      {x.const_data_ptr(), y.mutable_data_ptr(), y.numel() / channels, static_cast<int>(channels), *element},
      current_cuda_stream());
  return y;
}

}  // namespace liveedit::runtime
