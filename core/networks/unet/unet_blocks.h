// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "core/networks/layers/resample.h"
#include "core/networks/layers/resnet_block.h"
#include "core/networks/unet/conditions.h"
#include "core/networks/unet/transformer_2d.h"
#include "core/networks/unet/unet_options.h"

namespace liveedit::networks {

// DownBlock2D and CrossAttnDownBlock2D.
class DownBlock {
 public:
  DownBlock(const weights::Weights& weights, const UNetOptions& options, const UNetLevel& level, std::int64_t in,
            bool downsample);

  void list(ConditionedLayers& layers) const;
  // Adds what the way up will want to `skips`.
  at::Tensor operator()(at::Tensor x, ConditionCursor& conditions, std::vector<at::Tensor>& skips) const;

 private:
  std::vector<ResnetBlock> resnets_;
  std::vector<Transformer2D> attentions_;  // none, or one a resnet
  std::optional<Downsample> downsample_;
};

// UNetMidBlock2D (one resnet, as a UNet has it) and UNetMidBlock2DCrossAttn (resnet, attention, resnet).
class MidBlock {
 public:
  MidBlock(const weights::Weights& weights, const UNetOptions& options);

  void list(ConditionedLayers& layers) const;
  at::Tensor operator()(at::Tensor x, ConditionCursor& conditions) const;

 private:
  std::vector<ResnetBlock> resnets_;
  std::optional<Transformer2D> attention_;
};

// UpBlock2D and CrossAttnUpBlock2D.
class UpBlock {
 public:
  struct Channels {
    std::int64_t in = 0;         // of the block before
    std::int64_t last_skip = 0;  // of the last skip that this block takes: the channels of the next level
  };
  UpBlock(const weights::Weights& weights, const UNetOptions& options, const UNetLevel& level, const Channels& channels,
          bool upsample);

  void list(ConditionedLayers& layers) const;
  // Takes its skips from the end of `skips`.
  at::Tensor operator()(at::Tensor x, ConditionCursor& conditions, std::vector<at::Tensor>& skips) const;

 private:
  std::vector<ResnetBlock> resnets_;
  std::vector<Transformer2D> attentions_;  // none, or one a resnet
  std::optional<Upsample> upsample_;
};

}  // namespace liveedit::networks
