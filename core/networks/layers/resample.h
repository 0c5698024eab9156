// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/conv2d.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// Half the size by a 3x3 convolution of stride 2. padding 0 pads the right and the bottom alone.
class Downsample {
 public:
  Downsample(const weights::Weights& weights, std::int64_t channels, std::int64_t padding)
      : conv_(weights.sub("conv"), {.in = channels, .out = channels, .stride = 2, .padding = padding}) {}

  at::Tensor operator()(const at::Tensor& x) const {
    return conv_.padding == 0 ? conv_(at::constant_pad_nd(x, {0, 1, 0, 1})) : conv_(x);
  }

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    conv_.each_tensor(visit);
  }

 private:
  Conv2d conv_;
};

// Twice the size: each value repeated 2x2, then a 3x3 convolution.
class Upsample {
 public:
  Upsample(const weights::Weights& weights, std::int64_t channels)
      : conv_(weights.sub("conv"), {.in = channels, .out = channels}) {}

  at::Tensor operator()(const at::Tensor& x) const {
    return conv_(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
  }

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    conv_.each_tensor(visit);
  }

 private:
  Conv2d conv_;
};

}  // namespace liveedit::networks
