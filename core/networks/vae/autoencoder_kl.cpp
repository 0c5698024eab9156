// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/autoencoder_kl.h"

#include "core/api/error.h"
#include "core/networks/layers/options.h"
#include "core/networks/layers/tokens.h"

namespace liveedit::networks {
namespace {

void require_blocks(const weights::Config& config, const std::string& key, const std::string& type, std::size_t count) {
  const std::vector<std::string> types = config.strings(key);
  if (types.size() != count) refuse_option(config, key, "as long as block_out_channels");
  for (const std::string& found : types) {
    if (found != type) refuse_option(config, key, "a list of " + type);
  }
}

KlOptions kl_options(const weights::Config& config) {
  require_absent(config, "latents_mean");
  require_absent(config, "latents_std");
  if (config.integer("in_channels", 3) != 3) refuse_option(config, "in_channels", "3");
  if (config.integer("out_channels", 3) != 3) refuse_option(config, "out_channels", "3");
  KlOptions options;
  options.channels = config.integers("block_out_channels");
  if (options.channels.empty()) refuse_option(config, "block_out_channels", "a list with at least one value");
  require_blocks(config, "down_block_types", "DownEncoderBlock2D", options.channels.size());
  require_blocks(config, "up_block_types", "UpDecoderBlock2D", options.channels.size());
  options.layers = config.integer("layers_per_block", 1);
  options.mid_attention = config.boolean("mid_block_add_attention", true);
  options.resnet = {.groups = config.integer("norm_num_groups", 32),
                    .eps = 1e-6,
                    .activation = activation_option(config, "act_fn", "silu")};
  for (const std::int64_t channels : options.channels) {
    require_divisible(config, "norm_num_groups", channels, options.resnet.groups);
  }
  return options;
}

at::Tensor conv1x1(const std::optional<Linear>& linear, const at::Tensor& x) {
  return linear ? tokens_to_picture((*linear)(picture_to_tokens(x)), x.size(2), x.size(3)) : x;
}

}  // namespace

AutoencoderKl::AutoencoderKl(const weights::Config& config, const weights::Weights& weights)
    : dtype_(weights.dtype()),
      compute_dtype_(dtype_ == at::kHalf && config.boolean("force_upcast", false) ? at::kFloat : dtype_),
      latent_channels_(config.integer("latent_channels", 4)),
      stride_(std::int64_t{1} << (config.integers("block_out_channels").size() - 1)),
      scaling_factor_(config.number("scaling_factor", 0.18215)),
      shift_factor_(config.number("shift_factor", 0)),
      encoder_(weights.sub("encoder"), kl_options(config), 2 * latent_channels_),
      decoder_(weights.sub("decoder"), kl_options(config), latent_channels_) {
  if (config.boolean("use_quant_conv", true)) {
    quant_ = Linear::from_conv1x1(weights.sub("quant_conv"), 2 * latent_channels_, 2 * latent_channels_);
  }
  if (config.boolean("use_post_quant_conv", true)) {
    post_quant_ = Linear::from_conv1x1(weights.sub("post_quant_conv"), latent_channels_, latent_channels_);
  }
  if (compute_dtype_ == dtype_) return;
  const auto upcast = [this](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(compute_dtype_);
  };
  encoder_.each_tensor(upcast);
  decoder_.each_tensor(upcast);
  if (quant_) quant_->each_tensor(upcast);
  if (post_quant_) post_quant_->each_tensor(upcast);
}

at::Tensor AutoencoderKl::encode(const at::Tensor& image, const at::Tensor& noise) const {
  const at::Tensor x = image.to(compute_dtype_).contiguous(at::MemoryFormat::ChannelsLast);
  // [B, 2 * latent_channels, h, w]: mean and logarithm of the variance
  const std::vector<at::Tensor> posterior = conv1x1(quant_, encoder_(x)).chunk(2, 1);
  at::Tensor latents = posterior[0];
  if (noise.defined()) {
    latents = latents + posterior[1].clamp(-30, 20).mul_(0.5).exp_().mul_(noise.to(compute_dtype_));
  }
  if (shift_factor_ != 0) latents = latents - shift_factor_;
  return (latents * scaling_factor_).to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor AutoencoderKl::decode(const at::Tensor& latents) const {
  at::Tensor x = latents.to(compute_dtype_).contiguous(at::MemoryFormat::ChannelsLast).div(scaling_factor_);
  if (shift_factor_ != 0) x.add_(shift_factor_);
  return decoder_(conv1x1(post_quant_, x)).to(dtype_);
}

}  // namespace liveedit::networks
