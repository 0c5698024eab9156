// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/weights/weights.h"

namespace liveedit::networks {

// Layer normalisation over the last dimension.
struct LayerNorm {
  LayerNorm() = default;
  LayerNorm(const weights::Weights& weights, std::int64_t channels, double eps = 1e-5)
      : weight(weights.get("weight", {channels})), bias(weights.get("bias", {channels})), eps(eps) {}

  at::Tensor operator()(const at::Tensor& x) const {
    return at::layer_norm(x, {weight.size(0)}, weight, bias, eps, /*cudnn_enable=*/false);
  }

  at::Tensor weight;  // [C]
  at::Tensor bias;    // [C]
  double eps = 1e-5;
};

}  // namespace liveedit::networks
