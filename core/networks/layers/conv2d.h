// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/weights/weights.h"

namespace liveedit::networks {

struct Conv2dShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  bool with_bias = true;
};

// A square convolution on [B, in, h, w]. Weights and pictures are channels-last.
struct Conv2d {
  Conv2d() = default;
  Conv2d(const weights::Weights& weights, const Conv2dShape& shape);

  at::Tensor operator()(const at::Tensor& x) const { return with_bias(x, bias); }
  // With another bias [out] than the stored one; undefined: none.
  at::Tensor with_bias(const at::Tensor& x, const at::Tensor& other_bias) const;

  // conv(x) + residual, then ReLU where `relu`; residual [B, out, h, w], undefined: none.
  at::Tensor then_add(const at::Tensor& x, const at::Tensor& residual, bool relu = false) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    visit(weight);
    visit(bias);
  }

  at::Tensor weight;  // [out, in, kernel, kernel]
  at::Tensor bias;    // undefined: none
  std::int64_t stride = 1;
  std::int64_t padding = 1;
};

}  // namespace liveedit::networks
