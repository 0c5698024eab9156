// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/ATen.h>

#include "core/speech/speech_network.h"
#include "core/speech/token_rules.h"

namespace liveedit::speech {

// A text as tokens, prompt and end apart.
struct WrittenText {
  std::vector<std::int64_t> tokens;
  std::vector<float> logprobs;  // of each token, under the rules, at temperature 1
  double sum_logprob = 0;       // of the tokens and of the end, where it was reached
  bool ended = false;           // by the end token, not by the limit

  // As OpenAI's: the end counts as one token more.
  double mean_logprob() const { return sum_logprob / static_cast<double>(tokens.size() + 1); }
};

struct WritingLimits {
  std::int64_t most_tokens = 224;
  std::function<bool()> stopped;  // asked between tokens; may be empty
};

struct BeamOptions {
  int beams = 5;
  double length_penalty = 1;
};

// All of these go on from a network whose one row holds the prompt. `logits` [vocabulary] are those at its last token.

// The likeliest token each time.
WrittenText write_greedily(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                           const at::Tensor& logits, const WritingLimits& limits);

// `samples` texts drawn at a temperature above 0; the one with the highest mean log-probability is given.
WrittenText write_sampled(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                          const at::Tensor& logits, const WritingLimits& limits, double temperature, int samples,
                          std::uint64_t seed);

// Beam search as in transformers (early_stopping off): in each step the best 2 x beams continuations are looked at, a
// text that ends among the best `beams` of them is finished, and the search ends when no running text can get better
// than the worst finished one.
WrittenText write_by_beams(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                           const at::Tensor& logits, const WritingLimits& limits, const BeamOptions& options);

}  // namespace liveedit::speech
