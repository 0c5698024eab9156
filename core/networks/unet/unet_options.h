// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/resnet_block.h"
#include "core/weights/config.h"

namespace liveedit::networks {

// One level of the UNet: one block on the way down or up.
struct UNetLevel {
  bool cross_attention = false;
  std::int64_t channels = 0;
  std::int64_t layers = 0;                       // resnets; one more on the way up
  std::vector<std::int64_t> transformer_layers;  // one value a resnet
  std::int64_t heads = 1;
  std::int64_t text_channels = 0;
  bool only_cross_attention = false;
};

enum class UNetMid { kNone, kResnet, kCrossAttention };

// UNet2DConditionModel's config.json with the defaults filled in, one entry a block.
struct UNetOptions {
  // Throws Error(kBadModel) for what we do not implement.
  explicit UNetOptions(const weights::Config& config);

  std::vector<UNetLevel> down;
  std::vector<UNetLevel> up;  // in the order of forward(): deepest first
  UNetMid mid = UNetMid::kCrossAttention;
  UNetLevel mid_level;

  std::int64_t in_channels = 4;
  std::int64_t out_channels = 4;
  std::int64_t sample_size = 64;
  bool center_input_sample = false;
  std::int64_t conv_in_kernel = 3;
  std::int64_t conv_out_kernel = 3;
  std::int64_t downsample_padding = 1;
  double mid_block_scale_factor = 1;
  bool use_linear_projection = false;
  ResnetOptions resnet;  // also norm groups, eps and activation of the rest

  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  std::int64_t time_embed_dim = 0;
  std::int64_t time_cond_proj_dim = 0;
  bool text_time = false;  // addition_embed_type
  std::int64_t addition_time_embed_dim = 0;
  std::int64_t projection_class_embeddings_input_dim = 0;

 private:
  void refuse_unsupported(const weights::Config& config) const;
  void read_levels(const weights::Config& config);
  void read_mid(const weights::Config& config);
  void read_time(const weights::Config& config);
  void check_divisions(const weights::Config& config) const;
};

}  // namespace liveedit::networks
