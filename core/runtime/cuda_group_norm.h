// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::runtime {

// networks::group_norm_silu of x + input_bias by our own kernel: channels-last in and out, without the two reorderings
// that torch's makes. input_bias [1 or B, C], undefined: none. Undefined where the kernel does not take x (not on a
// GPU, not channels-last, another dtype or shape).
at::Tensor cuda_group_norm(const at::Tensor& x, const at::Tensor& input_bias, std::int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias, double eps, bool silu);

}  // namespace liveedit::runtime
