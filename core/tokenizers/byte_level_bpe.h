// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace liveedit::tokenizers {

// Byte-pair encoding over bytes, each written as one printable character (GPT-2, "Language Models are Unsupervised
// Multitask Learners", section 2.2). What a word is, is the caller's matter.
class ByteLevelBpe {
 public:
  struct Options {
    std::string end_of_word;    // appended to the last character of a word ("</w>" in CLIP)
    std::string unknown_token;  // stands for a character without an id; nothing does if it has none itself
  };

  // `folder` holds vocab.json and merges.txt. Throws Error kNotFound / kBadModel.
  static ByteLevelBpe load(const std::filesystem::path& folder, const Options& options);

  // The same from the "model" object of a tokenizer.json, whose merges are "left right" or ["left", "right"].
  // `file` is named in errors. Throws Error kBadModel.
  static ByteLevelBpe from_tokenizer_json(const nlohmann::json& model, const std::filesystem::path& file,
                                          const Options& options);

  // Appends the ids of one word. Time O(n log n) in its bytes.
  void encode_word(std::string_view word, std::vector<std::int64_t>& ids) const;

  std::optional<std::int64_t> id_of(const std::string& token) const;
  // What the token stands for, as bytes; nothing for an id without a token, and for a token that the byte alphabet does
  // not write.
  std::optional<std::string> bytes_of(std::int64_t id) const;
  std::int64_t vocabulary_size() const { return static_cast<std::int64_t>(ids_.size()); }

 private:
  struct Merge {
    std::uint32_t rank;
    std::uint32_t result;
  };
  struct Symbol;
  struct Candidate;

  ByteLevelBpe() = default;
  void take_vocabulary(const nlohmann::json& vocabulary, const std::filesystem::path& file);
  void read_merges(const std::filesystem::path& file);
  // False where the two or what they give are not in the vocabulary.
  bool add_merge(const std::string& left, const std::string& right);
  void index_bytes(const Options& options);
  const Merge* merge_of(std::uint32_t left, std::uint32_t right) const;
  void merge_symbols(std::vector<Symbol>& symbols) const;

  std::unordered_map<std::string, std::uint32_t> ids_;
  std::unordered_map<std::uint32_t, std::string> tokens_;
  std::unordered_map<std::uint64_t, Merge> merges_;
  // Ids of the 256 bytes inside a word and at its end; -1 where there is none.
  std::array<std::int64_t, 256> inner_{};
  std::array<std::int64_t, 256> last_{};
};

}  // namespace liveedit::tokenizers
