// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "core/networks/layers/attention.h"
#include "core/networks/layers/layer_norm.h"
#include "core/networks/layers/linear.h"
#include "core/networks/unet/conditions.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

struct TransformerOptions {
  std::int64_t channels = 0;
  std::int64_t heads = 1;
  std::int64_t text_channels = 0;
  bool only_cross_attention = false;  // the first attention reads the text too
};

// diffusers' BasicTransformerBlock: self-attention (or a first cross-attention), cross-attention, gated feed-forward
// (GEGLU, arXiv 2002.05202), each behind a layer norm and added to its input.
class TransformerBlock {
 public:
  TransformerBlock(const weights::Weights& weights, const TransformerOptions& options);

  void list(ConditionedLayers& layers) const;
  at::Tensor operator()(const at::Tensor& tokens /* [B, N, channels] */, ConditionCursor& conditions) const;

 private:
  at::Tensor feed_forward(const at::Tensor& x) const;

  LayerNorm norm1_;
  LayerNorm norm2_;
  LayerNorm norm3_;
  std::optional<SelfAttention> self_;  // one of these two comes first
  std::optional<CrossAttention> first_cross_;
  CrossAttention cross_;
  Linear gate_;  // value and gate, 4 * channels each
  Linear out_;
};

}  // namespace liveedit::networks
