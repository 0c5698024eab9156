// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/conv2d.h"

#include "core/networks/layers/gpu_layers.h"

namespace liveedit::networks {

Conv2d::Conv2d(const weights::Weights& weights, const Conv2dShape& shape)
    : weight(weights.get("weight", {shape.out, shape.in, shape.kernel, shape.kernel})
                 .contiguous(at::MemoryFormat::ChannelsLast)),
      stride(shape.stride),
      padding(shape.padding) {
  if (shape.with_bias) bias = weights.get("bias", {shape.out});
}

at::Tensor Conv2d::with_bias(const at::Tensor& x, const at::Tensor& other_bias) const {
  at::Tensor on_gpu = gpu_conv(x, {weight, other_bias, stride, padding}, {}, /*relu=*/false);
  if (on_gpu.defined()) return on_gpu;
  return at::conv2d(x, weight, other_bias, {stride, stride}, {padding, padding});
}

at::Tensor Conv2d::then_add(const at::Tensor& x, const at::Tensor& residual, bool relu) const {
  at::Tensor on_gpu = gpu_conv(x, {weight, bias, stride, padding}, residual, relu);
  if (on_gpu.defined()) return on_gpu;
  at::Tensor y = (*this)(x);
  if (residual.defined()) y.add_(residual);
  return relu ? y.relu_() : y;
}

}  // namespace liveedit::networks
