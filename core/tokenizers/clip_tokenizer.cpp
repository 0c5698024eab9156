// SPDX-License-Identifier: LGPL-2.1-or-later
// CLIP's tokenizer (Radford et al., arXiv 2103.00020, section 2.4), equal to transformers 5's CLIPTokenizer.

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "core/api/error.h"
#include "core/tokenizers/byte_level_bpe.h"
#include "core/tokenizers/clip_words.h"
#include "core/tokenizers/special_tokens.h"
#include "core/tokenizers/tokenizer.h"
#include "core/tokenizers/unicode_text.h"

namespace liveedit::tokenizers {

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

// Finds added tokens: the leftmost, of those the longest.
class TokenFinder {
 public:
  void add(std::u32string pattern, std::int64_t id) {
    if (pattern.empty()) return;
    std::vector<Pattern>& patterns = by_first_[pattern.front()];
    patterns.push_back({std::move(pattern), id});
    std::stable_sort(patterns.begin(), patterns.end(),
                     [](const Pattern& a, const Pattern& b) { return a.text.size() > b.text.size(); });
  }

  struct Match {
    std::size_t begin = std::u32string_view::npos;
    std::size_t length = 0;
    std::int64_t id = 0;
  };

  // begin == npos where there is none.
  Match find(std::u32string_view text) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto patterns = by_first_.find(text[i]);
      if (patterns == by_first_.end()) continue;
      for (const Pattern& pattern : patterns->second) {
        if (text.substr(i).starts_with(pattern.text)) return {i, pattern.text.size(), pattern.id};
      }
    }
    return {};
  }

 private:
  struct Pattern {
    std::u32string text;
    std::int64_t id;
  };
  std::map<char32_t, std::vector<Pattern>> by_first_;
};

class ClipTokenizer : public Tokenizer {
 public:
  explicit ClipTokenizer(const std::filesystem::path& folder) : ClipTokenizer(folder, SpecialTokens::read(folder)) {}

  std::vector<std::int64_t> encode_padded(std::string_view text, int max_length) const override;
  std::vector<std::int64_t> encode(std::string_view text) const override { return encode_up_to(text, kNoLimit); }

 private:
  ClipTokenizer(const std::filesystem::path& folder, const SpecialTokens& special);

  // Stops soon after `limit` ids, so that a long text costs no more than it is used for.
  std::vector<std::int64_t> encode_up_to(std::string_view text, std::size_t limit) const;
  void encode_raw(std::u32string_view text, std::size_t limit, std::vector<std::int64_t>& ids) const;
  void encode_words(std::u32string_view text, std::size_t limit, std::vector<std::int64_t>& ids) const;

  ByteLevelBpe bpe_;
  TokenFinder in_raw_text_;
  TokenFinder in_normalized_text_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::int64_t padding_ = 0;
};

ClipTokenizer::ClipTokenizer(const std::filesystem::path& folder, const SpecialTokens& special)
    : bpe_(ByteLevelBpe::load(folder, {"</w>", special.unknown})) {
  std::map<std::string, std::int64_t> ids;
  std::int64_t next_id = bpe_.vocabulary_size();
  for (const AddedToken& token : special.added) {
    const std::optional<std::int64_t> known = bpe_.id_of(token.content);
    const std::int64_t id = known ? *known : next_id++;
    ids[token.content] = id;
    const std::u32string content = decode_utf8(token.content);
    if (token.normalized) {
      in_normalized_text_.add(normalize_clip_text(content), id);
    } else {
      in_raw_text_.add(content, id);
    }
  }
  begin_ = ids.at(special.begin);
  end_ = ids.at(special.end);
  padding_ = ids.at(special.padding);
}

void ClipTokenizer::encode_words(std::u32string_view text, std::size_t limit, std::vector<std::int64_t>& ids) const {
  for_each_clip_word(text, [&](std::u32string_view word) {
    bpe_.encode_word(encode_utf8(word), ids);
    return ids.size() < limit;
  });
}

void ClipTokenizer::encode_raw(std::u32string_view text, std::size_t limit, std::vector<std::int64_t>& ids) const {
  const std::u32string normalized = normalize_clip_text(text);
  std::u32string_view rest = normalized;
  while (!rest.empty() && ids.size() < limit) {
    const TokenFinder::Match match = in_normalized_text_.find(rest);
    encode_words(rest.substr(0, match.begin), limit, ids);
    if (match.length == 0) return;
    ids.push_back(match.id);
    rest.remove_prefix(match.begin + match.length);
  }
}

std::vector<std::int64_t> ClipTokenizer::encode_up_to(std::string_view text, std::size_t limit) const {
  std::vector<std::int64_t> ids;
  const std::u32string raw = decode_utf8(text);
  std::u32string_view rest = raw;
  while (!rest.empty() && ids.size() < limit) {
    const TokenFinder::Match match = in_raw_text_.find(rest);
    encode_raw(rest.substr(0, match.begin), limit, ids);
    if (match.length == 0) break;
    ids.push_back(match.id);
    rest.remove_prefix(match.begin + match.length);
  }
  return ids;
}

std::vector<std::int64_t> ClipTokenizer::encode_padded(std::string_view text, int max_length) const {
  if (max_length < 2) {
    throw Error(ErrorKind::kSettings, "A text of at most " + std::to_string(max_length) +
                                          " tokens was asked for, which has no room for its begin and end.");
  }
  const auto length = static_cast<std::size_t>(max_length);
  std::vector<std::int64_t> ids = encode_up_to(text, length - 2);
  ids.resize(std::min(ids.size(), length - 2));
  ids.insert(ids.begin(), begin_);
  ids.push_back(end_);
  ids.resize(length, padding_);
  return ids;
}

}  // namespace

std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::filesystem::path& folder) {
  return std::make_unique<ClipTokenizer>(folder);
}

}  // namespace liveedit::tokenizers
