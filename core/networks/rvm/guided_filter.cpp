// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/guided_filter.h"

namespace liveedit::networks::rvm {
namespace {

constexpr double kNormEps = 1e-5;
constexpr double kFastEps = 1e-5;
constexpr std::int64_t kChannels = 4;

}  // namespace

Refiner::Refiner(const Tensors& tensors, std::int64_t hidden, const Target& target) {
  if (!tensors.has("box_filter.weight")) return;
  deep_ = Deep{
      load_conv(tensors, "box_filter", {.in = kChannels, .out = kChannels, .kernel = 3, .groups = kChannels}, target),
      load_conv_norm(tensors, "conv.0", "conv.1", kNormEps,
                     {.in = 2 * kChannels + hidden, .out = hidden, .activation = Activation::kRelu}, target),
      load_conv_norm(tensors, "conv.3", "conv.4", kNormEps,
                     {.in = hidden, .out = hidden, .activation = Activation::kRelu}, target),
      load_conv(tensors, "conv.6", {.in = hidden, .out = kChannels}, target)};
}

at::Tensor Refiner::mean_of(const at::Tensor& x) const {
  return deep_ ? deep_->box(x) : at::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1});
}

GuidedFilter Refiner::operator()(const at::Tensor& picture, const at::Tensor& matte, const at::Tensor& hidden) const {
  const at::Tensor guide = at::cat({picture, picture.mean({1}, true)}, 1);
  const at::Tensor mean_guide = mean_of(guide);
  const at::Tensor mean_matte = mean_of(matte);
  const at::Tensor covariance = mean_of(guide * matte).sub_(mean_guide * mean_matte);
  const at::Tensor variance = mean_of(guide * guide).sub_(mean_guide * mean_guide);
  GuidedFilter filter;
  filter.a = deep_ ? deep_->conv2(deep_->conv1(deep_->conv0(at::cat({covariance, variance, hidden}, 1))))
                   : covariance / (variance + kFastEps);
  filter.b = mean_matte - filter.a * mean_guide;
  return filter;
}

}  // namespace liveedit::networks::rvm
