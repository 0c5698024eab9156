// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/autoencoder_kl_blocks.h"

#include "core/networks/layers/tokens.h"

namespace liveedit::networks {
namespace {

std::string at_index(const std::string& list, std::size_t index) {
  return list + "." + std::to_string(index);
}

// Old checkpoints have other names for the same attention.
AttentionNames attention_names(const weights::Weights& weights) {
  if (weights.has("to_q.weight")) return {};
  return {.query = "query", .key = "key", .value = "value", .out = "proj_attn"};
}

}  // namespace

KlMid::KlMid(const weights::Weights& weights, const KlOptions& options) : attends_(options.mid_attention) {
  const std::int64_t channels = options.channels.back();
  for (std::size_t i = 0; i < 2; ++i) {
    resnets_.emplace_back(weights.sub(at_index("resnets", i)), channels, channels, options.resnet);
  }
  if (attends_) {
    const weights::Weights own = weights.sub("attentions.0");
    norm_ = GroupNorm(own.sub("group_norm"), channels, options.resnet.groups, options.resnet.eps);
    attention_ = SelfAttention(own, channels, /*heads=*/1, /*qkv_bias=*/true, attention_names(own));
  }
}

at::Tensor KlMid::operator()(at::Tensor x) const {
  x = resnets_[0](x, {});
  if (attends_) {
    const at::Tensor tokens = attention_(picture_to_tokens(norm_(x)));  // [B, h*w, channels]
    x = tokens_to_picture(tokens, x.size(2), x.size(3)).add_(x);
  }
  return resnets_[1](x, {});
}

KlEncoder::KlEncoder(const weights::Weights& weights, const KlOptions& options, std::int64_t out)
    : conv_in_(weights.sub("conv_in"), {.in = 3, .out = options.channels.front()}),
      mid_(weights.sub("mid_block"), options),
      norm_out_(weights.sub("conv_norm_out"), options.channels.back(), options.resnet.groups, options.resnet.eps),
      conv_out_(weights.sub("conv_out"), {.in = options.channels.back(), .out = out}) {
  std::int64_t channels = options.channels.front();
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    const weights::Weights own = weights.sub(at_index("down_blocks", i));
    Level& level = levels_.emplace_back();
    for (std::int64_t j = 0; j < options.layers; ++j) {
      level.resnets.emplace_back(own.sub(at_index("resnets", j)), channels, options.channels[i], options.resnet);
      channels = options.channels[i];
    }
    if (i + 1 < options.channels.size()) level.downsample.emplace(own.sub("downsamplers.0"), channels, /*padding=*/0);
  }
}

at::Tensor KlEncoder::operator()(const at::Tensor& image) const {
  at::Tensor x = conv_in_(image);
  for (const Level& level : levels_) {
    for (const ResnetBlock& resnet : level.resnets) x = resnet(x, {});
    if (level.downsample) x = (*level.downsample)(x);
  }
  return conv_out_(norm_out_.then(Activation::kSilu, mid_(x)));
}

KlDecoder::KlDecoder(const weights::Weights& weights, const KlOptions& options, std::int64_t in)
    : conv_in_(weights.sub("conv_in"), {.in = in, .out = options.channels.back()}),
      mid_(weights.sub("mid_block"), options),
      norm_out_(weights.sub("conv_norm_out"), options.channels.front(), options.resnet.groups, options.resnet.eps),
      conv_out_(weights.sub("conv_out"), {.in = options.channels.front(), .out = 3}) {
  std::int64_t channels = options.channels.back();
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    const weights::Weights own = weights.sub(at_index("up_blocks", i));
    const std::int64_t out = options.channels[options.channels.size() - 1 - i];
    Level& level = levels_.emplace_back();
    for (std::int64_t j = 0; j < options.layers + 1; ++j) {
      level.resnets.emplace_back(own.sub(at_index("resnets", j)), channels, out, options.resnet);
      channels = out;
    }
    if (i + 1 < options.channels.size()) level.upsample.emplace(own.sub("upsamplers.0"), channels);
  }
}

at::Tensor KlDecoder::operator()(const at::Tensor& latents) const {
  at::Tensor x = mid_(conv_in_(latents));
  for (const Level& level : levels_) {
    for (const ResnetBlock& resnet : level.resnets) x = resnet(x, {});
    if (level.upsample) x = (*level.upsample)(x);
  }
  return conv_out_(norm_out_.then(Activation::kSilu, x));
}

}  // namespace liveedit::networks
