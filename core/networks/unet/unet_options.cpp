// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/unet_options.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/networks/layers/options.h"

namespace liveedit::networks {
namespace {

[[noreturn]] void bad_length(const weights::Config& config, const std::string& key, std::size_t levels) {
  refuse_option(config, key, "one value or a list of " + std::to_string(levels) + " values, one a block");
}

// One block's transformer layers: a number for all its resnets, or a list with one number a resnet.
std::vector<std::int64_t> layers_of_block(const weights::Config& config, const std::string& key,
                                          const nlohmann::json& value, std::int64_t resnets) {
  if (value.is_number_unsigned()) return std::vector<std::int64_t>(resnets, value.get<std::int64_t>());
  std::vector<std::int64_t> layers;
  if (value.is_array()) {
    for (const nlohmann::json& one : value) {
      if (!one.is_number_unsigned()) bad_length(config, key, resnets);
      layers.push_back(one.get<std::int64_t>());
    }
  }
  if (std::ssize(layers) < resnets) bad_length(config, key, resnets);
  layers.resize(resnets);
  return layers;
}

// transformer_layers_per_block or its reverse: one number, or a list with one entry a block.
std::vector<nlohmann::json> transformer_layers(const weights::Config& config, const std::string& key,
                                               std::size_t levels) {
  const auto found = config.json().find(key);
  if (!config.has(key)) return std::vector<nlohmann::json>(levels, 1u);
  if (!found->is_array()) return std::vector<nlohmann::json>(levels, *found);
  if (found->size() != levels) bad_length(config, key, levels);
  return {found->begin(), found->end()};
}

bool has_cross_attention(const weights::Config& config, const std::string& key, const std::string& type,
                         const std::string& plain, const std::string& crossed) {
  if (type == plain) return false;
  if (type == crossed) return true;
  throw Error(ErrorKind::kBadModel, config.file().string() + ": " + key + " has \"" + type +
                                        "\", which is not supported; " + plain + " and " + crossed + " are.");
}

// A picture size may be one number or [height, width].
std::int64_t size_option(const weights::Config& config, const std::string& key, std::int64_t fallback) {
  const auto found = config.json().find(key);
  if (found == config.json().end() || !found->is_array()) return config.integer(key, fallback);
  const std::vector<std::int64_t> sizes = config.integers(key);
  return sizes.empty() ? fallback : *std::max_element(sizes.begin(), sizes.end());
}

}  // namespace

UNetOptions::UNetOptions(const weights::Config& config)
    : in_channels(config.integer("in_channels", 4)),
      out_channels(config.integer("out_channels", 4)),
      sample_size(size_option(config, "sample_size", 64)),
      center_input_sample(config.boolean("center_input_sample", false)),
      conv_in_kernel(config.integer("conv_in_kernel", 3)),
      conv_out_kernel(config.integer("conv_out_kernel", 3)),
      downsample_padding(config.integer("downsample_padding", 1)),
      mid_block_scale_factor(config.number("mid_block_scale_factor", 1)),
      use_linear_projection(config.boolean("use_linear_projection", false)) {
  refuse_unsupported(config);
  resnet.groups = config.integer("norm_num_groups", 32);
  resnet.eps = config.number("norm_eps", 1e-5);
  resnet.activation = activation_option(config, "act_fn", "silu");
  resnet.time_scale_shift = config.string("resnet_time_scale_shift", "default") == "scale_shift";
  read_levels(config);
  read_mid(config);
  read_time(config);
  check_divisions(config);
}

// Options that only act on block types refused below (resnet_skip_time_act, cross_attention_norm ...) need no word
// here, and upcast_attention none either: our attention always accumulates in fp32.
void UNetOptions::refuse_unsupported(const weights::Config& config) const {
  for (const char* key : {"class_embed_type", "num_class_embeds", "encoder_hid_dim", "encoder_hid_dim_type",
                          "time_embedding_act_fn", "timestep_post_act"}) {
    require_absent(config, key);
  }
  require_false(config, "dual_cross_attention");
  require_false(config, "class_embeddings_concat");
  require_string(config, "attention_type", "default");
  require_string(config, "time_embedding_type", "positional");
  const std::string shift = config.string("resnet_time_scale_shift", "default");
  if (shift != "default" && shift != "scale_shift") {
    refuse_option(config, "resnet_time_scale_shift", "\"default\" or \"scale_shift\"");
  }
  if (downsample_padding != 0 && downsample_padding != 1) refuse_option(config, "downsample_padding", "0 or 1");
  for (const char* key : {"conv_in_kernel", "conv_out_kernel"}) {
    if (config.integer(key, 3) % 2 != 1) refuse_option(config, key, "an odd number");
  }
}

void UNetOptions::read_levels(const weights::Config& config) {
  const std::vector<std::int64_t> channels = config.integers("block_out_channels");
  const std::vector<std::string> down_types = config.strings("down_block_types");
  const std::vector<std::string> up_types = config.strings("up_block_types");
  const std::size_t count = channels.size();
  if (count == 0) refuse_option(config, "block_out_channels", "a list with at least one value");
  if (down_types.size() != count) bad_length(config, "down_block_types", count);
  if (up_types.size() != count) bad_length(config, "up_block_types", count);

  // Most checkpoints call the number of heads attention_head_dim; num_attention_heads wins where it is given.
  const char* heads_key = config.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
  const std::vector<std::int64_t> heads = config.integers_each(heads_key, count, 8);
  const std::vector<std::int64_t> layers = config.integers_each("layers_per_block", count, 2);
  const std::vector<std::int64_t> text = config.integers_each("cross_attention_dim", count, 1280);
  const std::vector<bool> only_cross = config.booleans_each("only_cross_attention", count, false);
  const std::vector<nlohmann::json> depths = transformer_layers(config, "transformer_layers_per_block", count);
  const bool has_reverse = config.has("reverse_transformer_layers_per_block");
  const std::string up_key = has_reverse ? "reverse_transformer_layers_per_block" : "transformer_layers_per_block";
  std::vector<nlohmann::json> up_depths = transformer_layers(config, up_key, count);
  if (!has_reverse) std::reverse(up_depths.begin(), up_depths.end());

  for (std::size_t i = 0; i < count; ++i) {
    if (layers[i] < 1) refuse_option(config, "layers_per_block", "at least 1");
    const bool cross =
        has_cross_attention(config, "down_block_types", down_types[i], "DownBlock2D", "CrossAttnDownBlock2D");
    down.push_back({cross, channels[i], layers[i], {}, heads[i], text[i], only_cross[i]});
    if (cross) {
      down.back().transformer_layers = layers_of_block(config, "transformer_layers_per_block", depths[i], layers[i]);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    UNetLevel level = down[count - 1 - i];
    level.layers += 1;
    level.cross_attention =
        has_cross_attention(config, "up_block_types", up_types[i], "UpBlock2D", "CrossAttnUpBlock2D");
    level.transformer_layers.clear();
    if (level.cross_attention) level.transformer_layers = layers_of_block(config, up_key, up_depths[i], level.layers);
    up.push_back(level);
  }
  mid_level = down.back();
  mid_level.layers = 1;
  // Only read where the middle block attends; a list gives its first value.
  if (depths.back().is_number_unsigned() || depths.back().is_array()) {
    mid_level.transformer_layers = layers_of_block(config, "transformer_layers_per_block", depths.back(), 1);
  }
  mid_level.only_cross_attention = false;  // diffusers' middle block always attends to itself
}

void UNetOptions::read_mid(const weights::Config& config) {
  const auto found = config.json().find("mid_block_type");
  if (found != config.json().end() && found->is_null()) {
    mid = UNetMid::kNone;
    return;
  }
  const std::string type = config.string("mid_block_type", "UNetMidBlock2DCrossAttn");
  if (type != "UNetMidBlock2DCrossAttn" && type != "UNetMidBlock2D") {
    refuse_option(config, "mid_block_type", "UNetMidBlock2DCrossAttn, UNetMidBlock2D or null");
  }
  mid = type == "UNetMidBlock2D" ? UNetMid::kResnet : UNetMid::kCrossAttention;
}

void UNetOptions::read_time(const weights::Config& config) {
  flip_sin_to_cos = config.boolean("flip_sin_to_cos", true);
  freq_shift = config.number("freq_shift", 0);
  time_embed_dim = config.integer("time_embedding_dim", 4 * down.front().channels);
  resnet.time_channels = time_embed_dim;
  time_cond_proj_dim = config.integer("time_cond_proj_dim", 0);
  if (!config.has("addition_embed_type")) return;
  if (config.string("addition_embed_type") != "text_time") {
    refuse_option(config, "addition_embed_type", "null or \"text_time\"");
  }
  text_time = true;
  addition_time_embed_dim = config.integer("addition_time_embed_dim");
  projection_class_embeddings_input_dim = config.integer("projection_class_embeddings_input_dim");
}

void UNetOptions::check_divisions(const weights::Config& config) const {
  for (const UNetLevel& level : down) {
    require_divisible(config, "norm_num_groups", level.channels, resnet.groups);
    require_divisible(config, config.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim",
                      level.channels, level.heads);
  }
}

}  // namespace liveedit::networks
