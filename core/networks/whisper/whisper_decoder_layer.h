// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <utility>

#include <ATen/ATen.h>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/layer_norm.h"
#include "core/networks/layers/linear.h"
#include "core/networks/whisper/half_linear.h"
#include "core/networks/whisper/whisper_options.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// How a decoder keeps its matrices: kHalfOnCpu reads few rows at a time fastest (see HalfLinear; the rest is fp32
// then), kAsLoaded leaves them in the weights' dtype.
enum class WhisperMatrices { kAsLoaded, kHalfOnCpu };

// A matrix as it was loaded, or in fp16 for few rows.
struct WhisperProjection {
  WhisperProjection() = default;
  WhisperProjection(Linear full, WhisperMatrices matrices);

  at::Tensor operator()(const at::Tensor& x) const { return half.weight.defined() ? half(x) : plain(x); }

  Linear plain;
  HalfLinear half;
};

// One layer of Whisper's decoder. x is [B, n, channels]; each function gives what is added to it.
struct WhisperDecoderLayer {
  WhisperDecoderLayer(const WhisperOptions& options, const weights::Weights& weights, WhisperMatrices matrices);

  // The tokens before are the first `past` of `keys` and `values` [B, heads, places, head_dim], which take the new
  // ones.
  at::Tensor attend_tokens(const at::Tensor& x, std::int64_t past, const at::Tensor& keys,
                           const at::Tensor& values) const;
  // `sound`: keys and values [1, heads, N, head_dim]; `bias` [1, 1, 1, N] is added to the scores (undefined: none).
  at::Tensor attend_sound(const at::Tensor& x, const std::pair<at::Tensor, at::Tensor>& sound,
                          const at::Tensor& bias) const;
  at::Tensor feed_forward(const at::Tensor& x) const;

  std::int64_t heads;
  Activation activation;
  LayerNorm self_norm;
  WhisperProjection self_query_key_value;
  WhisperProjection self_out;
  LayerNorm cross_norm;
  WhisperProjection cross_query;
  Linear cross_key;  // these two run once an utterance, over all of it
  Linear cross_value;
  WhisperProjection cross_out;
  LayerNorm feed_forward_norm;
  WhisperProjection widen;
  WhisperProjection narrow;
};

}  // namespace liveedit::networks
