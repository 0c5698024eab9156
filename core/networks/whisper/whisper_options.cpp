// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_options.h"

#include <string>

#include "core/networks/layers/options.h"

namespace liveedit::networks {
namespace {

constexpr std::int64_t kMostLayers = 1000;
constexpr std::int64_t kLargestSize = 1 << 20;

std::int64_t size_option(const weights::Config& config, const std::string& key, std::int64_t most) {
  const std::int64_t value = config.integer(key);
  if (value < 1 || value > most) refuse_option(config, key, "1 to " + std::to_string(most));
  return value;
}

WhisperStackOptions stack_options(const weights::Config& config, const std::string& name, std::int64_t channels) {
  WhisperStackOptions options;
  options.layers = size_option(config, name + "_layers", kMostLayers);
  options.heads = size_option(config, name + "_attention_heads", kLargestSize);
  options.feed_forward = size_option(config, name + "_ffn_dim", kLargestSize);
  require_divisible(config, name + "_attention_heads", channels, options.heads);
  return options;
}

}  // namespace

WhisperOptions WhisperOptions::read(const weights::Config& config) {
  require_string(config, "model_type", "whisper");
  WhisperOptions options;
  options.channels = size_option(config, "d_model", kLargestSize);
  options.mel_bins = size_option(config, "num_mel_bins", kLargestSize);
  options.vocabulary = size_option(config, "vocab_size", kLargestSize);
  options.source_positions = size_option(config, "max_source_positions", kLargestSize);
  options.target_positions = size_option(config, "max_target_positions", kLargestSize);
  options.scale_embedding = config.boolean("scale_embedding", false);
  options.activation = activation_option(config, "activation_function", "gelu");
  options.encoder = stack_options(config, "encoder", options.channels);
  options.decoder = stack_options(config, "decoder", options.channels);
  return options;
}

}  // namespace liveedit::networks
