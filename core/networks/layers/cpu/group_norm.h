// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::networks::cpu {

// Group normalisation of a channels-last [B, C, h, w] and, where `silu`, SiLU in the same pass. Undefined where x is
// not fp32 or bf16 or not channels-last. Statistics in fp32, the same for any number of threads.
at::Tensor group_norm_silu(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                           double eps, bool silu);

}  // namespace liveedit::networks::cpu
