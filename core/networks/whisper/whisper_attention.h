// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/linear.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// q_proj, k_proj and v_proj of one attention, stacked: [3C, C]. Whisper's keys have no bias; theirs is 0 here.
Linear stacked_query_key_value(const weights::Weights& weights, std::int64_t channels);

// [B, N, C] -> [B, heads, N, C / heads]
inline at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

// [B, heads, N, C / heads] -> [B, N, C]
inline at::Tensor merge_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace liveedit::networks
