// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/weights/weights.h"

namespace liveedit::networks {

// y = x W^T + b on the last dimension; W is [out, in].
struct Linear {
  Linear() = default;
  Linear(const weights::Weights& weights, std::int64_t in, std::int64_t out, bool with_bias = true);

  // Several layers that read the same input, stacked into one: the outputs lie behind each other in the last dimension.
  static Linear stacked(const weights::Weights& weights, const std::vector<std::string>& names, std::int64_t in,
                        std::int64_t out_each, bool with_bias);
  // A 1x1 convolution's weights, to be used on tokens.
  static Linear from_conv1x1(const weights::Weights& weights, std::int64_t in, std::int64_t out, bool with_bias = true);

  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    visit(weight);
    visit(bias);
  }

  at::Tensor weight;
  at::Tensor bias;  // undefined: none
};

}  // namespace liveedit::networks
