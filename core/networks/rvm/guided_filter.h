// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <ATen/ATen.h>

#include "core/networks/rvm/conv.h"

namespace liveedit::networks::rvm {

// How the matte of a coarse picture becomes one of a fine picture: the result is a * guide + b, channel by channel,
// with a and b made on the coarse picture and enlarged (bilinear); the guide is the fine picture's R, G, B and their
// mean.
struct GuidedFilter {
  at::Tensor a;  // [1, 4, h, w]
  at::Tensor b;  // [1, 4, h, w]
};

// The deep guided filter (arXiv 1803.05619) where the file has its weights, else the fast guided filter
// (arXiv 1505.00996). Windows of 3x3, zeros outside the picture.
class Refiner {
 public:
  Refiner(const Tensors& tensors, std::int64_t hidden, const Target& target);

  struct Deep {
    Conv box;  // one 3x3 window a channel
    Conv conv0;
    Conv conv1;
    Conv conv2;
  };

  // All fp32, as the filter's tensors are. picture [1, 3, h, w], matte [1, 4, h, w] (foreground residual and alpha),
  // hidden [1, hidden, h, w].
  GuidedFilter operator()(const at::Tensor& picture, const at::Tensor& matte, const at::Tensor& hidden) const;

  // Nothing: the fast guided filter.
  const std::optional<Deep>& deep() const { return deep_; }

 private:
  at::Tensor mean_of(const at::Tensor& x) const;

  std::optional<Deep> deep_;
};

}  // namespace liveedit::networks::rvm
