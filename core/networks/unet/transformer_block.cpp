// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/transformer_block.h"

#include "core/networks/layers/gpu_layers.h"

namespace liveedit::networks {

TransformerBlock::TransformerBlock(const weights::Weights& weights, const TransformerOptions& options)
    : norm1_(weights.sub("norm1"), options.channels),
      norm2_(weights.sub("norm2"), options.channels),
      norm3_(weights.sub("norm3"), options.channels),
      cross_(weights.sub("attn2"), options.channels, options.text_channels, options.heads),
      gate_(weights.sub("ff.net.0.proj"), options.channels, 8 * options.channels),
      out_(weights.sub("ff.net.2"), 4 * options.channels, options.channels) {
  if (options.only_cross_attention) {
    first_cross_.emplace(weights.sub("attn1"), options.channels, options.text_channels, options.heads);
  } else {
    self_.emplace(weights.sub("attn1"), options.channels, options.heads, /*qkv_bias=*/false);
  }
}

void TransformerBlock::list(ConditionedLayers& layers) const {
  if (first_cross_) layers.by_text.push_back(&*first_cross_);
  layers.by_text.push_back(&cross_);
}

at::Tensor TransformerBlock::feed_forward(const at::Tensor& x) const {
  const at::Tensor both = gate_(x);
  if (both.is_cuda() && gpu_layers().geglu != nullptr) {
    const at::Tensor own = gpu_layers().geglu(both);
    if (own.defined()) return out_(own);
  }
  const std::vector<at::Tensor> parts = both.chunk(2, -1);
  return out_(at::gelu(parts[1]).mul_(parts[0]));
}

at::Tensor TransformerBlock::operator()(const at::Tensor& tokens, ConditionCursor& conditions) const {
  const at::Tensor normed = norm1_(tokens);
  at::Tensor x = (self_ ? (*self_)(normed) : (*first_cross_)(normed, conditions.next_text())).add_(tokens);
  x = cross_(norm2_(x), conditions.next_text()).add_(x);
  return feed_forward(norm3_(x)).add_(x);
}

}  // namespace liveedit::networks
