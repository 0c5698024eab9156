// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/linear.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// Numbers as sines and cosines of falling frequency ("Attention is all you need", section 3.5), in fp32.
class SinusoidalEmbedding {
 public:
  SinusoidalEmbedding() = default;
  SinusoidalEmbedding(std::int64_t channels, bool flip_sin_to_cos, double freq_shift, at::Device device);

  at::Tensor operator()(const at::Tensor& values /* [N] */) const;  // [N, channels]

 private:
  at::Tensor frequencies_;  // [channels / 2]
  std::int64_t channels_ = 0;
  bool flip_sin_to_cos_ = true;
};

// diffusers' TimestepEmbedding: two linear layers with an activation between.
class TimestepEmbedding {
 public:
  TimestepEmbedding() = default;
  // condition_channels > 0: a bias-free projection of a condition is added to the input (arXiv 2310.04378).
  TimestepEmbedding(const weights::Weights& weights, std::int64_t in, std::int64_t out, Activation activation,
                    std::int64_t condition_channels = 0);

  // x [B, in], condition [B, condition_channels] or undefined -> [B, out]
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& condition = {}) const;

 private:
  Linear linear_1_;
  Linear linear_2_;
  Linear condition_;
  Activation activation_ = Activation::kSilu;
};

}  // namespace liveedit::networks
