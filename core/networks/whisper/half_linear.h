// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/linear.h"

namespace liveedit::networks {

// y = x W^T + b for few rows of x on a CPU, where reading W from memory is what costs: W is kept in fp16, to which
// Whisper's published weights are exact, and all arithmetic is fp32. x and y are fp32.
struct HalfLinear {
  HalfLinear() = default;
  // Takes what `full` holds, of any float dtype.
  explicit HalfLinear(const Linear& full);

  // [..., in] -> [..., out]
  at::Tensor operator()(const at::Tensor& x) const;

  at::Tensor weight;  // [out, in] fp16
  at::Tensor bias;    // [out] fp32; undefined: none
};

}  // namespace liveedit::networks
