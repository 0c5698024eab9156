// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include "core/kernels/whisper_token.h"
#include "core/networks/whisper/whisper_decoder.h"
#include "core/speech/generation_settings.h"

namespace liveedit::runtime {

// One token through Whisper's decoder by our kernels, over tensors that stay where they are.
class WhisperStep {
 public:
  static bool supports(const networks::WhisperDecoder& decoder);

  // Tokens that one call of choose() may choose before the caller looks.
  static constexpr std::int64_t kMostChosen = 64;

  // All tensors on the decoder's device. `memory` is of batch 1; `sound` and `sound_bias` ([source_positions], fp32)
  // have room for all positions. The references must outlive this.
  WhisperStep(const networks::WhisperDecoder& decoder, const speech::GenerationSettings& settings,
              const networks::WhisperMemory& memory, const networks::WhisperSound& sound, at::Tensor sound_bias);

  // Where the host writes what token comes next: kernels::TokenState.
  const at::Tensor& state() const { return state_; }
  // [vocabulary], fp32, after write().
  const at::Tensor& logits() const { return logits_; }
  // [kMostChosen], int32 and fp32.
  const at::Tensor& tokens() const { return tokens_; }
  const at::Tensor& logprobs() const { return logprobs_; }

  // Queue their work on torch's current stream. write() puts state's token into the memory and makes the logits behind
  // it; choose() takes the likeliest token of them into the state.
  void write() const;
  void choose(bool timestamps) const;

 private:
  void write_layer(std::size_t index, void* stream) const;
  kernels::TokenLinear product(const at::Tensor& x, const networks::Linear& linear, const networks::LayerNorm* norm,
                               kernels::TokenOutput output, const at::Tensor& y) const;
  void attend(std::size_t index, bool over_sound, void* stream) const;
  kernels::TokenState* state_pointer() const;

  const networks::WhisperDecoder& decoder_;
  const networks::WhisperMemory& memory_;
  const networks::WhisperSound& sound_;
  networks::WhisperEnds ends_;
  kernels::Element element_;
  std::int64_t heads_;
  std::int64_t end_, first_timestamp_;
  at::Tensor sound_bias_;
  at::Tensor state_;  // [sizeof(TokenState) / 4], int32
  at::Tensor x_, query_, attended_, wide_, logits_, workspace_;
  at::Tensor counters_;
  at::Tensor suppressed_;  // [vocabulary], uint8
  at::Tensor tokens_, logprobs_;
};

}  // namespace liveedit::runtime
