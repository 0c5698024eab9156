// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/kernels/element.h"

namespace liveedit::kernels {

// What follows a convolution, in one pass over its channels-last result: x = act(x + bias + residual). Arithmetic is
// fp32, rounded once.
struct AddBias {
  void* x = nullptr;               // [rows, channels], changed in place
  const void* bias = nullptr;      // [channels]
  const void* residual = nullptr;  // [rows, channels], or none
  std::int64_t rows = 0;
  int channels = 0;
  bool relu = false;
  Element element = Element::kF16;
};

// GEGLU (arXiv 2002.05202): y = x[:, :channels] * gelu(x[:, channels:]), gelu by the error function.
struct Geglu {
  const void* x = nullptr;  // [rows, 2 * channels]
  void* y = nullptr;        // [rows, channels]
  std::int64_t rows = 0;
  int channels = 0;
  Element element = Element::kF16;
};

// Rows must be whole 16-byte pieces, and all tensors aligned to 16 bytes.
bool pointwise_supported(int channels, Element element);

// In order on `stream` (a cudaStream_t of the current device). Throw Error if the device refuses the work.
void add_bias_cuda(const AddBias& work, void* stream);
void geglu_cuda(const Geglu& work, void* stream);

}  // namespace liveedit::kernels
