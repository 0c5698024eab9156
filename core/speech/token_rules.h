// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/speech/generation_settings.h"

namespace liveedit::speech {

// Which tokens may come next: the model's suppress lists, and with timestamps OpenAI's rules for them: they come in
// pairs, never go back, the text begins with one, and one is written where together they are likelier than any word.
class TokenRules {
 public:
  TokenRules(const GenerationSettings& settings, bool timestamps) : settings_(settings), timestamps_(timestamps) {}

  // Sets the logits [vocabulary] of tokens that may not follow `text` (the tokens written so far, prompt apart) to
  // minus infinity.
  void apply(std::span<const std::int64_t> text, std::span<float> logits) const;

  const GenerationSettings& settings() const { return settings_; }
  bool timestamps() const { return timestamps_; }

 private:
  void apply_timestamps(std::span<const std::int64_t> text, std::span<float> logits) const;

  const GenerationSettings& settings_;
  bool timestamps_;
};

}  // namespace liveedit::speech
