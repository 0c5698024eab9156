// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include <ATen/ATen.h>

#include "core/networks/layers/layer_norm.h"
#include "core/networks/layers/linear.h"
#include "core/networks/whisper/whisper_options.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// What the encoder heard.
struct WhisperEncoded {
  at::Tensor hidden;      // [B, N, channels]
  at::Tensor log_weight;  // [N]: log of how many positions each of them stands for; undefined: one each
};

// Whisper's encoder (arXiv 2212.04356, section 2.2): two convolutions, sinusoidal positions, pre-norm transformer
// layers over 30 s of sound.
class WhisperEncoder {
 public:
  // `weights` is at the encoder ("model.encoder"). Throws Error(kBadModel).
  WhisperEncoder(const WhisperOptions& options, const weights::Weights& weights);

  // mel [B, mel_bins, frames] of the weights' dtype, frames even, at most two for each position.
  //
  // Fewer frames than that say that the rest of the window is silence, like the last kSilentFrames of those given. The
  // layers then see that rest at every kSilenceStride-th position only, and each of these counts as many times as it
  // stands for positions: attention adds the logarithm of that number to its score. What a layer takes from silence
  // changes slowly with the position, so this sum is close to the whole one, at a fraction of the work; cutting the
  // silence off instead makes the decoder repeat itself.
  WhisperEncoded operator()(const at::Tensor& mel) const;

  static constexpr std::int64_t kSilentFrames = 8;
  static constexpr std::int64_t kSilenceStride = 16;

 private:
  struct Layer {
    Layer(const WhisperOptions& options, const weights::Weights& weights);
    at::Tensor operator()(at::Tensor x, const std::optional<at::Tensor>& bias) const;

    std::int64_t heads;
    Activation activation;
    LayerNorm attention_norm;
    Linear query_key_value;
    Linear attention_out;
    LayerNorm feed_forward_norm;
    Linear widen;
    Linear narrow;
  };

  at::Tensor convolve(const at::Tensor& mel) const;
  // Appends the silent positions after those of x, before positions are added.
  WhisperEncoded with_silence(const at::Tensor& x) const;

  Activation activation_;
  at::Tensor weight1_, bias1_;  // [channels, mel_bins, 3]
  at::Tensor weight2_, bias2_;  // [channels, channels, 3], stride 2
  at::Tensor positions_;        // [source_positions, channels]
  std::vector<Layer> layers_;
  LayerNorm norm_;
};

}  // namespace liveedit::networks
