// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/time_embedding.h"

#include <cmath>

namespace liveedit::networks {

SinusoidalEmbedding::SinusoidalEmbedding(std::int64_t channels, bool flip_sin_to_cos, double freq_shift,
                                         at::Device device)
    : channels_(channels), flip_sin_to_cos_(flip_sin_to_cos) {
  const std::int64_t half = channels / 2;
  constexpr double kMaxPeriod = 10000;
  // The steps and their order are the reference's, so that every bit of the frequencies is.
  const at::Tensor exponent = at::arange(half, at::TensorOptions().dtype(at::kFloat)).mul(-std::log(kMaxPeriod));
  frequencies_ = exponent.div(static_cast<double>(half) - freq_shift).exp().to(device);
}

at::Tensor SinusoidalEmbedding::operator()(const at::Tensor& values) const {
  const at::Tensor angle = values.to(at::kFloat).unsqueeze(1) * frequencies_.unsqueeze(0);
  const at::Tensor both =
      flip_sin_to_cos_ ? at::cat({angle.cos(), angle.sin()}, 1) : at::cat({angle.sin(), angle.cos()}, 1);
  return channels_ % 2 == 1 ? at::constant_pad_nd(both, {0, 1}) : both;
}

TimestepEmbedding::TimestepEmbedding(const weights::Weights& weights, std::int64_t in, std::int64_t out,
                                     Activation activation, std::int64_t condition_channels)
    : linear_1_(weights.sub("linear_1"), in, out),
      linear_2_(weights.sub("linear_2"), out, out),
      activation_(activation) {
  if (condition_channels > 0) condition_ = Linear(weights.sub("cond_proj"), condition_channels, in, false);
}

at::Tensor TimestepEmbedding::operator()(const at::Tensor& x, const at::Tensor& condition) const {
  const at::Tensor input = condition.defined() && condition_.weight.defined() ? x + condition_(condition) : x;
  return linear_2_(activate_in_place(activation_, linear_1_(input)));
}

}  // namespace liveedit::networks
