// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/autoencoder_tiny.h"

#include "core/networks/layers/options.h"

namespace liveedit::networks {
namespace {

std::vector<std::int64_t> integers_or(const weights::Config& config, const std::string& key,
                                      std::vector<std::int64_t> fallback) {
  return config.has(key) ? config.integers(key) : fallback;
}

void require_same_length(const weights::Config& config, const std::string& key, const std::vector<std::int64_t>& blocks,
                         const std::vector<std::int64_t>& channels) {
  if (blocks.empty() || blocks.size() != channels.size()) {
    refuse_option(config, key, "a list as long as that of the block channels");
  }
}

}  // namespace

TinyBlock::TinyBlock(const weights::Weights& weights, std::int64_t channels, Activation activation)
    : activation_(activation),
      conv0_(weights.sub("conv.0"), {.in = channels, .out = channels}),
      conv2_(weights.sub("conv.2"), {.in = channels, .out = channels}),
      conv4_(weights.sub("conv.4"), {.in = channels, .out = channels}) {}

at::Tensor TinyBlock::operator()(const at::Tensor& x) const {
  if (activation_ == Activation::kRelu) {
    return conv4_.then_add(conv2_.then_add(conv0_.then_add(x, {}, true), {}, true), x, true);
  }
  const at::Tensor h = activate_in_place(activation_, conv2_(activate_in_place(activation_, conv0_(x))));
  return conv4_.then_add(h, x, true);
}

AutoencoderTiny::AutoencoderTiny(const weights::Config& config, const weights::Weights& weights)
    : activation_(activation_option(config, "act_fn", "relu")),
      latent_channels_(config.integer("latent_channels", 4)),
      scaling_factor_(config.number("scaling_factor", 1.0)),
      shift_factor_(config.number("shift_factor", 0.0)) {
  require_string(config, "upsample_fn", "nearest");
  if (config.integer("in_channels", 3) != 3) refuse_option(config, "in_channels", "3");
  if (config.integer("out_channels", 3) != 3) refuse_option(config, "out_channels", "3");
  build_encoder(config, weights.sub("encoder.layers"));
  build_decoder(config, weights.sub("decoder.layers"));
  fold();
}

void AutoencoderTiny::build_encoder(const weights::Config& config, const weights::Weights& weights) {
  const std::vector<std::int64_t> channels = integers_or(config, "encoder_block_out_channels", {64, 64, 64, 64});
  const std::vector<std::int64_t> blocks = integers_or(config, "num_encoder_blocks", {1, 3, 3, 3});
  require_same_length(config, "num_encoder_blocks", blocks, channels);
  std::int64_t in = 3;
  const auto next = [&] { return weights.sub(std::to_string(encoder_.size())); };
  for (std::size_t level = 0; level < blocks.size(); ++level) {
    if (level == 0) {
      encoder_.push_back(Conv2d(next(), {.in = in, .out = channels[0]}));
    } else {
      if (channels[level] != in) refuse_option(config, "encoder_block_out_channels", "one value, repeated");
      encoder_.push_back(Conv2d(next(), {.in = in, .out = in, .stride = 2, .with_bias = false}));
      stride_ *= 2;
    }
    in = channels[level];
    for (std::int64_t i = 0; i < blocks[level]; ++i) encoder_.push_back(TinyBlock(next(), in, activation_));
  }
  encoder_.push_back(Conv2d(next(), {.in = in, .out = latent_channels_}));
}

void AutoencoderTiny::build_decoder(const weights::Config& config, const weights::Weights& weights) {
  const std::vector<std::int64_t> channels = integers_or(config, "decoder_block_out_channels", {64, 64, 64, 64});
  const std::vector<std::int64_t> blocks = integers_or(config, "num_decoder_blocks", {3, 3, 3, 1});
  require_same_length(config, "num_decoder_blocks", blocks, channels);
  const std::int64_t factor = config.integer("upsampling_scaling_factor", 2);
  std::int64_t scale = 1;
  const auto next = [&] { return weights.sub(std::to_string(decoder_.size())); };
  decoder_.push_back(Conv2d(next(), {.in = latent_channels_, .out = channels[0]}));
  decoder_.push_back(activation_);
  for (std::size_t level = 0; level < blocks.size(); ++level) {
    const bool last = level + 1 == blocks.size();
    if (channels[level] != channels[0]) refuse_option(config, "decoder_block_out_channels", "one value, repeated");
    for (std::int64_t i = 0; i < blocks[level]; ++i) {
      decoder_.push_back(TinyBlock(next(), channels[level], activation_));
    }
    if (!last) {
      decoder_.push_back(NearestUpsample{factor});
      scale *= factor;
    }
    decoder_.push_back(Conv2d(next(), {.in = channels[level], .out = last ? 3 : channels[level], .with_bias = last}));
  }
  if (scale != stride_) {
    refuse_option(config, "upsampling_scaling_factor", "what brings the decoder back to the encoder's size");
  }
  // The network speaks 0..1 and we -1..1: the last convolution does 2 y - 1 itself.
  Conv2d& out = std::get<Conv2d>(decoder_.back());
  out.weight = out.weight * 2;
  out.bias = out.bias * 2 - 1;
}

// Where no block stands at full size. A GPU is quicker with the layers as they are.
void AutoencoderTiny::fold() {
  const auto conv_of = [](const Layer& layer) { return std::get_if<Conv2d>(&layer); };
  const Conv2d* const first = conv_of(encoder_[0]);
  const Conv2d* const second = conv_of(encoder_[1]);
  if (first->weight.is_cpu() && second != nullptr && second->stride == 2) {
    const FoldedStart both(*first, *second);
    encoder_.erase(encoder_.begin());
    encoder_.front() = both;
  }
  const auto end = decoder_.end();
  const auto* const upsample = std::get_if<NearestUpsample>(&end[-3]);
  const Conv2d* const before_last = conv_of(end[-2]);
  const Conv2d* const last = conv_of(end[-1]);
  if (last->weight.is_cpu() && upsample != nullptr && upsample->factor == 2 && before_last != nullptr) {
    const FoldedEnd both(*before_last, *last);
    decoder_.erase(end - 2, end);
    decoder_.back() = both;
  }
}

at::Tensor AutoencoderTiny::run(const std::vector<Layer>& layers, at::Tensor x) {
  for (const Layer& layer : layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      x = (*conv)(x);
    } else if (const auto* block = std::get_if<TinyBlock>(&layer)) {
      x = (*block)(x);
    } else if (const auto* activation = std::get_if<Activation>(&layer)) {
      x = activate_in_place(*activation, x);
    } else if (const auto* start = std::get_if<FoldedStart>(&layer)) {
      x = (*start)(x);
    } else if (const auto* end = std::get_if<FoldedEnd>(&layer)) {
      x = (*end)(x);
    } else {
      const std::int64_t factor = std::get<NearestUpsample>(layer).factor;
      x = at::upsample_nearest2d(x, {factor * x.size(2), factor * x.size(3)});
    }
  }
  return x;
}

at::Tensor AutoencoderTiny::encode(const at::Tensor& image, const at::Tensor& /*noise*/) const {
  // -1..1 -> 0..1
  const at::Tensor x = image.contiguous(at::MemoryFormat::ChannelsLast).mul(0.5).add_(0.5);
  at::Tensor latents = run(encoder_, x);
  if (shift_factor_ != 0) latents.sub_(shift_factor_);
  return scaling_factor_ == 1 ? latents : latents.mul_(scaling_factor_);
}

at::Tensor AutoencoderTiny::decode(const at::Tensor& latents) const {
  at::Tensor x = latents.contiguous(at::MemoryFormat::ChannelsLast).div(scaling_factor_);
  if (shift_factor_ != 0) x.add_(shift_factor_);
  // Large latents are bent softly to -3..3.
  return run(decoder_, x.div_(3).tanh_().mul_(3));
}

}  // namespace liveedit::networks
