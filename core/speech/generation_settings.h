// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/tokenizers/whisper_tokenizer.h"

namespace liveedit::speech {

// Tokens with a meaning of their own and the model's rules for texts: generation_config.json where there is one, else
// config.json, else the tokenizer's own names.
struct GenerationSettings {
  std::int64_t vocabulary = 0;
  std::int64_t start = 0;          // <|startoftranscript|>
  std::int64_t end = 0;            // <|endoftext|>
  std::int64_t no_timestamps = 0;  // the timestamps follow it: 0.00 s, 0.02 s ...
  std::int64_t no_speech = 0;
  std::int64_t previous = 0;    // <|startofprev|>
  std::int64_t transcribe = 0;  // multilingual models
  std::int64_t translate = 0;
  std::map<std::string, std::int64_t> languages;  // code -> token; empty for an English-only model
  std::vector<std::int64_t> suppress;             // never written
  std::vector<std::int64_t> begin_suppress;       // not written first
  std::int64_t max_initial_timestamp = 50;        // first timestamp of a text, in steps of 20 ms; below 0: any

  bool multilingual() const { return !languages.empty(); }
  std::int64_t first_timestamp() const { return no_timestamps + 1; }

  // `vocabulary`: the network's. Throws Error(kBadModel).
  static GenerationSettings read(const std::filesystem::path& folder, const tokenizers::WhisperTokenizer& tokenizer,
                                 std::int64_t vocabulary);
};

}  // namespace liveedit::speech
