// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace liveedit::tokenizers {

// A token that is found in the text as a whole before words are made of it.
struct AddedToken {
  std::string content;
  bool normalized = false;  // compared in normalized form with the normalized text; else with the text as it came
};

// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say of a tokenizer, as transformers 5 reads
// them: the first decides alone if it has added_tokens_decoder, else the second overrides it and the third adds to it.
struct SpecialTokens {
  std::string begin = "<|startoftext|>";
  std::string end = "<|endoftext|>";
  std::string unknown = "<|endoftext|>";
  std::string padding = "<|endoftext|>";
  std::vector<AddedToken> added;  // in the order in which those without an id get one; contains the four above

  // Files that are absent leave the defaults, which are CLIP's. Throws Error(kBadModel).
  static SpecialTokens read(const std::filesystem::path& folder);
};

}  // namespace liveedit::tokenizers
