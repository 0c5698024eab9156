// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "core/networks/layers/group_norm.h"
#include "core/networks/unet/transformer_block.h"

namespace liveedit::networks {

// diffusers' Transformer2DModel on pictures: norm, projection, transformer blocks on the pixels as tokens, projection,
// plus the input.
class Transformer2D {
 public:
  // linear_projection says how the checkpoint stores the two projections: as linear layers or as 1x1 convolutions.
  Transformer2D(const weights::Weights& weights, const TransformerOptions& options, std::int64_t blocks,
                std::int64_t norm_groups, bool linear_projection);

  void list(ConditionedLayers& layers) const;
  at::Tensor operator()(const at::Tensor& x /* [B, channels, h, w] */, ConditionCursor& conditions) const;

 private:
  GroupNorm norm_;
  Linear in_;
  std::vector<TransformerBlock> blocks_;
  Linear out_;
};

}  // namespace liveedit::networks
