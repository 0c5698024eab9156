// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include <ATen/ATen.h>

#include "core/networks/rvm/conv.h"

namespace liveedit::networks::rvm {

// (picture - mean) / deviation, in the network's dtype and with its number of channels. The picture itself is fp32.
class Normalisation {
 public:
  Normalisation(const std::array<float, 3>& mean, const std::array<float, 3>& deviation, const Target& target);
  at::Tensor operator()(const at::Tensor& picture) const;

 private:
  std::array<float, 3> means_;
  std::array<float, 3> deviations_;
  Target target_;
  at::Tensor mean_;  // [1, 3, 1, 1]
  at::Tensor gain_;  // [1, 3, 1, 1]
};

// `x` with zeros behind its channels up to the target's multiple.
at::Tensor pad_channels(const at::Tensor& x, const Target& target);

}  // namespace liveedit::networks::rvm
