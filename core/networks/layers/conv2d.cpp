// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/conv2d.h"

namespace liveedit::networks {

Conv2d::Conv2d(const weights::Weights& weights, const Conv2dShape& shape)
    : weight(weights.get("weight", {shape.out, shape.in, shape.kernel, shape.kernel})
                 .contiguous(at::MemoryFormat::ChannelsLast)),
      stride(shape.stride),
      padding(shape.padding) {
  if (shape.with_bias) bias = weights.get("bias", {shape.out});
}

at::Tensor Conv2d::with_bias(const at::Tensor& x, const at::Tensor& other_bias) const {
  return at::conv2d(x, weight, other_bias, {stride, stride}, {padding, padding});
}

}  // namespace liveedit::networks
