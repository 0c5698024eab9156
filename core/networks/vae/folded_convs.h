// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/conv2d.h"

// Two 3x3 convolutions with nothing between them are one 5x5 convolution with far fewer multiplications, wherever one
// side of them has few channels. Only at the picture's edge they differ, because there the second sees zeros where the
// first would give values; those rows and columns are computed as they stand. The results are the same but for
// rounding.
namespace liveedit::networks {

// A convolution of stride 1, then one of stride 2: the beginning of an encoder without blocks at full size.
class FoldedStart {
 public:
  FoldedStart(const Conv2d& first, const Conv2d& second);

  // x [B, in, H, W], H and W even -> [B, out, H / 2, W / 2]
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor as_it_stands(const at::Tensor& x) const { return second_(first_(x)); }

  Conv2d first_;
  Conv2d second_;
  Conv2d both_;
};

// Each value repeated 2x2, then two convolutions: the end of a decoder without blocks at full size. The 5x5 kernel sees
// each value of x four times or twice, so it is a 3x3 kernel on x for each of the four pixels that x's pixel becomes.
class FoldedEnd {
 public:
  FoldedEnd(const Conv2d& first, const Conv2d& second);

  // x [B, in, h, w] -> [B, out, 2 h, 2 w]
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor as_it_stands(const at::Tensor& x) const;

  Conv2d first_;
  Conv2d second_;
  Conv2d phases_;  // [2 * 2 * out, in, 3, 3]: row, column, channel
};

}  // namespace liveedit::networks
