// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::networks::cpu {

// scores = softmax(scale * scores) over the last dimension, in place. Contiguous, on the CPU, fp32 or bf16.
void softmax_in_place(const at::Tensor& scores, std::int64_t row, float scale);

}  // namespace liveedit::networks::cpu
