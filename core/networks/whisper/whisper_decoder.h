// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "core/networks/whisper/whisper_decoder_layer.h"
#include "core/networks/whisper/whisper_encoder.h"
#include "core/networks/whisper/whisper_options.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// What the decoder takes from the sound: keys and values [1, heads, N, head_dim] of each layer, and what attention adds
// to each position's score, [1, 1, 1, N] (undefined: nothing).
struct WhisperSound {
  std::vector<std::pair<at::Tensor, at::Tensor>> layers;
  at::Tensor bias;
};

// What the decoder remembers of the tokens so far, a layer: [B, heads, target_positions, head_dim], of which the first
// `length` places count.
struct WhisperMemory {
  std::vector<at::Tensor> keys;
  std::vector<at::Tensor> values;
  std::int64_t length = 0;

  std::int64_t batch() const { return keys.empty() ? 0 : keys.front().size(0); }
  // Row i becomes a copy of what row rows[i] was; the batch may change by it.
  void take_rows(const std::vector<std::int64_t>& rows);
};

// What lies before and behind a decoder's layers.
struct WhisperEnds {
  at::Tensor embedding;  // [vocabulary, channels], also the matrix from the last norm to the logits
  at::Tensor positions;  // [target_positions, channels]
  LayerNorm norm;
};

// Whisper's decoder (arXiv 2212.04356, section 2.2): pre-norm transformer layers with self- and cross-attention,
// learned positions, tied token embedding.
class WhisperDecoder {
 public:
  // `weights` is at the whole model ("model", or the root where there is no such prefix). Throws Error(kBadModel).
  WhisperDecoder(const WhisperOptions& options, const weights::Weights& weights, WhisperMatrices matrices);
  ~WhisperDecoder();
  WhisperDecoder(WhisperDecoder&&) noexcept;

  // `encoded` is of batch 1, in the dtype that the decoder calculates in.
  WhisperSound embed_sound(const WhisperEncoded& encoded) const;

  WhisperMemory empty_memory(std::int64_t batch) const;

  // The tokens [B, n] (int64) that follow those in `memory`, which then holds them too: hidden states [B, n, channels].
  // Throws Error(kSettings) where they do not fit into target_positions.
  at::Tensor forward(const at::Tensor& tokens, const WhisperSound& sound, WhisperMemory& memory) const;

  // Hidden states [..., channels] -> [..., vocabulary], fp32.
  at::Tensor logits(const at::Tensor& hidden) const;

  const WhisperOptions& options() const;

  // For those who run the layers in another way.
  const std::vector<WhisperDecoderLayer>& layers() const;
  WhisperEnds ends() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace liveedit::networks
