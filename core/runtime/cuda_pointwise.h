// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::runtime {

// x = relu(x + bias + residual) in place and in one pass; x [B, C, h, w], channels-last, bias [C], residual like x or
// undefined. False, and nothing done, where the kernel does not take them.
bool cuda_add_bias(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& residual, bool relu);

// GEGLU: [..., 2C] -> [..., C], the first half times gelu(the second half). Undefined where the kernel does not take x.
at::Tensor cuda_geglu(const at::Tensor& x);

}  // namespace liveedit::runtime
