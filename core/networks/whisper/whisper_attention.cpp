// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_attention.h"

namespace liveedit::networks {

Linear stacked_query_key_value(const weights::Weights& weights, std::int64_t channels) {
  const Linear query(weights.sub("q_proj"), channels, channels);
  const Linear key(weights.sub("k_proj"), channels, channels, /*with_bias=*/false);
  const Linear value(weights.sub("v_proj"), channels, channels);
  Linear all;
  all.weight = at::cat({query.weight, key.weight, value.weight}, 0);
  all.bias = at::cat({query.bias, at::zeros_like(query.bias), value.bias}, 0);
  return all;
}

}  // namespace liveedit::networks
