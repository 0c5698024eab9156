// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::networks {

// What a GPU does in one kernel of ours instead of two or three of torch's. This room cannot name the kernels: what
// stands above it gives them once, before the first frame. Each may refuse an input (undefined, false); torch's own
// operations follow then.
struct GpuLayers {
  // GroupNorm, then SiLU where `silu`, of x + input_bias ([1 or B, C], undefined: none): a convolution leaves its bias
  // to the norm after it. Channels-last in and out.
  at::Tensor (*group_norm)(const at::Tensor& x, const at::Tensor& input_bias, std::int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias, double eps, bool silu) = nullptr;
  // In place: x + bias [C] + residual (undefined: none), then ReLU where `relu`.
  bool (*add_bias)(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& residual, bool relu) = nullptr;
  // [..., 2C] -> [..., C]: the first half times gelu(the second).
  at::Tensor (*geglu)(const at::Tensor& x) = nullptr;
};

// Only the first call counts; any thread.
void set_gpu_layers(const GpuLayers& layers);
const GpuLayers& gpu_layers();

struct GpuConv {
  const at::Tensor& weight;  // [out, in, kernel, kernel]
  const at::Tensor& bias;    // [out]
  std::int64_t stride;
  std::int64_t padding;
};

// conv(x) + residual (undefined: none), then ReLU where `relu`, in as few passes as the GPU can. Undefined where x is
// not on a GPU, the convolution has no bias, or no kernels were given.
at::Tensor gpu_conv(const at::Tensor& x, const GpuConv& conv, const at::Tensor& residual, bool relu);

}  // namespace liveedit::networks
