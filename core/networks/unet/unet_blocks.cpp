// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/unet_blocks.h"

namespace liveedit::networks {
namespace {

std::string at_index(const char* list, std::int64_t index) {
  return std::string(list) + "." + std::to_string(index);
}

Transformer2D transformer(const weights::Weights& weights, const UNetOptions& options, const UNetLevel& level,
                          std::int64_t index) {
  const TransformerOptions transformer_options{level.channels, level.heads, level.text_channels,
                                               level.only_cross_attention};
  return Transformer2D(weights.sub(at_index("attentions", index)), transformer_options, level.transformer_layers[index],
                       options.resnet.groups, options.use_linear_projection);
}

void list_pairs(const std::vector<ResnetBlock>& resnets, const std::vector<Transformer2D>& attentions,
                ConditionedLayers& layers) {
  for (const ResnetBlock& resnet : resnets) layers.by_time.push_back(&resnet);
  for (const Transformer2D& attention : attentions) attention.list(layers);
}

}  // namespace

DownBlock::DownBlock(const weights::Weights& weights, const UNetOptions& options, const UNetLevel& level,
                     std::int64_t in, bool downsample) {
  for (std::int64_t i = 0; i < level.layers; ++i) {
    resnets_.emplace_back(weights.sub(at_index("resnets", i)), i == 0 ? in : level.channels, level.channels,
                          options.resnet);
    if (level.cross_attention) attentions_.push_back(transformer(weights, options, level, i));
  }
  if (downsample) downsample_.emplace(weights.sub("downsamplers.0"), level.channels, options.downsample_padding);
}

void DownBlock::list(ConditionedLayers& layers) const {
  list_pairs(resnets_, attentions_, layers);
}

at::Tensor DownBlock::operator()(at::Tensor x, ConditionCursor& conditions, std::vector<at::Tensor>& skips) const {
  for (std::size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](x, conditions.next_time());
    if (!attentions_.empty()) x = attentions_[i](x, conditions);
    skips.push_back(x);
  }
  if (downsample_) {
    x = (*downsample_)(x);
    skips.push_back(x);
  }
  return x;
}

MidBlock::MidBlock(const weights::Weights& weights, const UNetOptions& options) {
  ResnetOptions resnet = options.resnet;
  resnet.output_scale = options.mid_block_scale_factor;
  const bool attends = options.mid == UNetMid::kCrossAttention;
  const std::int64_t channels = options.mid_level.channels;
  for (std::int64_t i = 0; i < (attends ? 2 : 1); ++i) {
    resnets_.emplace_back(weights.sub(at_index("resnets", i)), channels, channels, resnet);
  }
  if (attends) attention_.emplace(transformer(weights, options, options.mid_level, 0));
}

void MidBlock::list(ConditionedLayers& layers) const {
  for (const ResnetBlock& resnet : resnets_) layers.by_time.push_back(&resnet);
  if (attention_) attention_->list(layers);
}

at::Tensor MidBlock::operator()(at::Tensor x, ConditionCursor& conditions) const {
  x = resnets_[0](x, conditions.next_time());
  if (!attention_) return x;
  x = (*attention_)(x, conditions);
  return resnets_[1](x, conditions.next_time());
}

UpBlock::UpBlock(const weights::Weights& weights, const UNetOptions& options, const UNetLevel& level,
                 const Channels& channels, bool upsample) {
  for (std::int64_t i = 0; i < level.layers; ++i) {
    const std::int64_t skip = i == level.layers - 1 ? channels.last_skip : level.channels;
    const std::int64_t in = i == 0 ? channels.in : level.channels;
    resnets_.emplace_back(weights.sub(at_index("resnets", i)), in + skip, level.channels, options.resnet);
    if (level.cross_attention) attentions_.push_back(transformer(weights, options, level, i));
  }
  if (upsample) upsample_.emplace(weights.sub("upsamplers.0"), level.channels);
}

void UpBlock::list(ConditionedLayers& layers) const {
  list_pairs(resnets_, attentions_, layers);
}

at::Tensor UpBlock::operator()(at::Tensor x, ConditionCursor& conditions, std::vector<at::Tensor>& skips) const {
  for (std::size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](at::cat({x, skips.back()}, 1), conditions.next_time());
    skips.pop_back();
    if (!attentions_.empty()) x = attentions_[i](x, conditions);
  }
  return upsample_ ? (*upsample_)(x) : x;
}

}  // namespace liveedit::networks
