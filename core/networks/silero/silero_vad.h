// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include "core/weights/weights.h"

namespace liveedit::networks {

// Silero VAD for 16 kHz (https://github.com/snakers4/silero-vad): magnitudes of a learned Fourier transform, four
// convolutions, one LSTM cell, one number. fp32, on the CPU. Read only once made: any thread.
class SileroVad {
 public:
  static constexpr std::int64_t kWindow = 512;  // samples that one step hears anew: 32 ms
  static constexpr std::int64_t kContext = 64;  // and again, before them
  static constexpr std::int64_t kState = 128;

  // Throws Error(kBadModel).
  explicit SileroVad(const weights::Weights& weights);

  struct State {
    at::Tensor hidden = at::zeros({1, kState}, at::kFloat);
    at::Tensor cell = at::zeros({1, kState}, at::kFloat);
  };

  // Steps that follow each other: windows [N, 64 + 512] -> the probability of speech in each, [N]; `state` moves on.
  at::Tensor operator()(const at::Tensor& windows, State& state) const;

 private:
  struct Conv {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t stride;
  };

  // [N, 64 + 512] -> [N, 128]
  at::Tensor features(const at::Tensor& windows) const;

  at::Tensor transform_;  // [2 * 129, 1, 256]: cosines, then sines
  std::vector<Conv> convs_;
  at::Tensor input_weight_, hidden_weight_;  // [4 * 128, 128]: gates i, f, g, o
  at::Tensor gate_bias_;                     // [4 * 128]
  at::Tensor out_weight_;                    // [128]
  float out_bias_;
};

}  // namespace liveedit::networks
