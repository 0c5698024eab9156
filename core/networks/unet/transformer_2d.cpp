// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/transformer_2d.h"

#include "core/networks/layers/tokens.h"

namespace liveedit::networks {
namespace {

Linear projection(const weights::Weights& weights, std::int64_t channels, bool linear) {
  return linear ? Linear(weights, channels, channels) : Linear::from_conv1x1(weights, channels, channels);
}

}  // namespace

Transformer2D::Transformer2D(const weights::Weights& weights, const TransformerOptions& options, std::int64_t blocks,
                             std::int64_t norm_groups, bool linear_projection)
    : norm_(weights.sub("norm"), options.channels, norm_groups, 1e-6),
      in_(projection(weights.sub("proj_in"), options.channels, linear_projection)),
      out_(projection(weights.sub("proj_out"), options.channels, linear_projection)) {
  blocks_.reserve(blocks);
  for (std::int64_t i = 0; i < blocks; ++i) {
    blocks_.emplace_back(weights.sub("transformer_blocks." + std::to_string(i)), options);
  }
}

void Transformer2D::list(ConditionedLayers& layers) const {
  for (const TransformerBlock& block : blocks_) block.list(layers);
}

at::Tensor Transformer2D::operator()(const at::Tensor& x, ConditionCursor& conditions) const {
  at::Tensor tokens = in_(picture_to_tokens(norm_(x)));  // [B, h*w, channels]
  for (const TransformerBlock& block : blocks_) tokens = block(tokens, conditions);
  return tokens_to_picture(out_(tokens), x.size(2), x.size(3)).add_(x);
}

}  // namespace liveedit::networks
