// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/networks/layers/activation.h"
#include "core/weights/config.h"

namespace liveedit::networks {

// One of the two stacks of layers.
struct WhisperStackOptions {
  std::int64_t layers = 4;
  std::int64_t heads = 6;
  std::int64_t feed_forward = 1536;
};

// Sizes of a Whisper model (arXiv 2212.04356, table 1), by transformers' names in config.json.
struct WhisperOptions {
  std::int64_t channels = 384;           // d_model
  std::int64_t mel_bins = 80;            // num_mel_bins
  std::int64_t vocabulary = 51864;       // vocab_size
  std::int64_t source_positions = 1500;  // of the encoder: one each 20 ms
  std::int64_t target_positions = 448;   // tokens the decoder holds
  bool scale_embedding = false;
  Activation activation = Activation::kGelu;
  WhisperStackOptions encoder;
  WhisperStackOptions decoder;

  // Throws Error(kBadModel) for another model_type and for sizes that cannot be.
  static WhisperOptions read(const weights::Config& config);
};

}  // namespace liveedit::networks
