// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include <ATen/ATen.h>

namespace liveedit::speech {

// Triangular filters [bins, 201] over the frequencies of a 400-point transform at 16 kHz, on Slaney's mel scale (linear
// up to 1 kHz, then logarithmic) and of equal area (Slaney, Auditory Toolbox, 1998), fp32.
at::Tensor mel_filters(std::int64_t bins);

// Whisper's picture of sound (arXiv 2212.04356, section 2.2): log10 of mel power in Hann windows of 25 ms each 10 ms,
// cut 8 below its highest value, then (x + 4) / 4. Equal to OpenAI's and transformers' for the utterance padded with
// silence to 30 s; all values are those of that picture, however few frames are asked for.
class LogMel {
 public:
  static constexpr std::int64_t kHop = 160;            // samples a frame
  static constexpr std::int64_t kWindowFrames = 3000;  // 30 s

  explicit LogMel(std::int64_t bins);

  // The first `frames` (1..3000) frames of the picture: [bins, frames], fp32, CPU. `samples` are mono at 16 kHz; those
  // after 30 s are not read, and values that are not finite count as 0.
  at::Tensor operator()(std::span<const float> samples, std::int64_t frames) const;

 private:
  at::Tensor filters_;  // [201, bins]
  at::Tensor window_;   // [400]
};

}  // namespace liveedit::speech
