// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace liveedit::tokenizers {

// Text to token ids, as the model was trained with.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Exactly max_length ids: begin token, the text's tokens (cut to fit), end token, padding. Any bytes are accepted;
  // invalid UTF-8 becomes U+FFFD as Python's errors="replace" gives.
  virtual std::vector<std::int64_t> encode_padded(std::string_view text, int max_length) const = 0;
  // The text's own tokens alone, uncut.
  virtual std::vector<std::int64_t> encode(std::string_view text) const = 0;
};

// A folder with vocab.json, merges.txt, and optionally tokenizer_config.json and special_tokens_map.json (transformers'
// CLIPTokenizer). Throws Error kNotFound / kBadModel.
std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::filesystem::path& folder);

}  // namespace liveedit::tokenizers
