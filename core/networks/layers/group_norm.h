// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/activation.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// Group normalisation of [B, C, h, w] over groups of C / groups channels, then SiLU where `silu`. Channels-last in,
// channels-last out.
at::Tensor group_norm_silu(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                           double eps, bool silu);

struct GroupNorm {
  GroupNorm() = default;
  GroupNorm(const weights::Weights& weights, std::int64_t channels, std::int64_t groups, double eps);

  at::Tensor operator()(const at::Tensor& x) const { return group_norm_silu(x, groups, weight, bias, eps, false); }
  at::Tensor then(Activation activation, const at::Tensor& x) const;
  // The same of x + input_bias [1 or B, C].
  at::Tensor after_bias_then(Activation activation, const at::Tensor& x, const at::Tensor& input_bias) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    visit(weight);
    visit(bias);
  }

  at::Tensor weight;  // [C]
  at::Tensor bias;    // [C]
  std::int64_t groups = 1;
  double eps = 1e-5;
};

}  // namespace liveedit::networks
