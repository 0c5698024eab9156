// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizers/byte_level_bpe.h"

namespace liveedit::tokenizers {

// Whisper's tokenizer: GPT-2's byte-level pairs, and above them tokens with a meaning of their own (languages, tasks,
// timestamps). Equal to transformers' WhisperTokenizer for plain text.
class WhisperTokenizer {
 public:
  // `folder` holds tokenizer.json, or vocab.json and merges.txt; and what added_tokens.json and tokenizer_config.json
  // say of further tokens. Throws Error: kNotFound where there are neither, kBadModel.
  static WhisperTokenizer load(const std::filesystem::path& folder);

  // The text's own tokens; what looks like a special token is taken as plain text.
  std::vector<std::int64_t> encode(std::string_view text) const;

  // The bytes of a token of text, which may be a part of a UTF-8 character; nothing for special tokens and timestamps.
  std::string bytes_of(std::int64_t id) const;

  // The tokens' bytes joined; what is not UTF-8 becomes U+FFFD. Special tokens and timestamps give nothing.
  std::string decode(const std::vector<std::int64_t>& ids) const;

  // "<|startoftranscript|>" ...
  std::optional<std::int64_t> special(const std::string& content) const;
  const std::map<std::string, std::int64_t>& specials() const { return specials_; }

 private:
  explicit WhisperTokenizer(ByteLevelBpe bpe) : bpe_(std::move(bpe)) {}

  ByteLevelBpe bpe_;
  std::map<std::string, std::int64_t> specials_;
  std::map<std::int64_t, std::string> special_of_;
};

}  // namespace liveedit::tokenizers
