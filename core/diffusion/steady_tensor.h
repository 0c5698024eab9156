// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::diffusion {

// Writes `values` over `tensor`, which keeps its place in memory once it has one: captured work goes on reading it
// there.
inline void write_steady(at::Tensor& tensor, const at::Tensor& values, at::Device device) {
  if (tensor.defined()) {
    tensor.copy_(values);
  } else {
    tensor = values.to(device, values.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
  }
}

}  // namespace liveedit::diffusion
