// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "core/networks/layers/attention.h"
#include "core/networks/layers/conv2d.h"
#include "core/networks/layers/group_norm.h"
#include "core/networks/layers/resample.h"
#include "core/networks/layers/resnet_block.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

struct KlOptions {
  std::vector<std::int64_t> channels;  // one a level, finest first
  std::int64_t layers = 1;             // resnets a level; one more in the decoder
  bool mid_attention = true;
  ResnetOptions resnet;
};

// resnet, attention of one head over all pixels (optional), resnet.
class KlMid {
 public:
  KlMid(const weights::Weights& weights, const KlOptions& options);
  at::Tensor operator()(at::Tensor x) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    for (ResnetBlock& resnet : resnets_) resnet.each_tensor(visit);
    norm_.each_tensor(visit);
    attention_.each_tensor(visit);
  }

 private:
  bool attends_;
  std::vector<ResnetBlock> resnets_;
  GroupNorm norm_;
  SelfAttention attention_;
};

// [B, 3, H, W] -> [B, out, h, w]
class KlEncoder {
 public:
  KlEncoder(const weights::Weights& weights, const KlOptions& options, std::int64_t out);
  at::Tensor operator()(const at::Tensor& image) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    conv_in_.each_tensor(visit);
    for (Level& level : levels_) {
      for (ResnetBlock& resnet : level.resnets) resnet.each_tensor(visit);
      if (level.downsample) level.downsample->each_tensor(visit);
    }
    mid_.each_tensor(visit);
    norm_out_.each_tensor(visit);
    conv_out_.each_tensor(visit);
  }

 private:
  struct Level {
    std::vector<ResnetBlock> resnets;
    std::optional<Downsample> downsample;
  };
  Conv2d conv_in_;
  std::vector<Level> levels_;
  KlMid mid_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

// [B, in, h, w] -> [B, 3, H, W]
class KlDecoder {
 public:
  KlDecoder(const weights::Weights& weights, const KlOptions& options, std::int64_t in);
  at::Tensor operator()(const at::Tensor& latents) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    conv_in_.each_tensor(visit);
    mid_.each_tensor(visit);
    for (Level& level : levels_) {
      for (ResnetBlock& resnet : level.resnets) resnet.each_tensor(visit);
      if (level.upsample) level.upsample->each_tensor(visit);
    }
    norm_out_.each_tensor(visit);
    conv_out_.each_tensor(visit);
  }

 private:
  struct Level {
    std::vector<ResnetBlock> resnets;
    std::optional<Upsample> upsample;
  };
  Conv2d conv_in_;
  KlMid mid_;
  std::vector<Level> levels_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

}  // namespace liveedit::networks
