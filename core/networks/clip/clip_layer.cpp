// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/clip/clip_layer.h"

namespace liveedit::networks {

ClipLayer::ClipLayer(const weights::Weights& weights, const ClipLayerOptions& options)
    : activation_(options.activation),
      norm1_(weights.sub("layer_norm1"), options.channels, options.eps),
      attention_(weights.sub("self_attn"), options.channels, options.heads, /*qkv_bias=*/true,
                 {"q_proj", "k_proj", "v_proj", "out_proj"}),
      norm2_(weights.sub("layer_norm2"), options.channels, options.eps),
      fc1_(weights.sub("mlp.fc1"), options.channels, options.intermediate),
      fc2_(weights.sub("mlp.fc2"), options.intermediate, options.channels) {}

at::Tensor ClipLayer::operator()(const at::Tensor& x) const {
  const at::Tensor h = attention_(norm1_(x), /*causal=*/true).add_(x);
  return fc2_(activate_in_place(activation_, fc1_(norm2_(h)))).add_(h);
}

}  // namespace liveedit::networks
