// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/clip_words.h"

#include <array>

#include "core/tokenizers/unicode_text.h"
#include "core/tokenizers/word_parts.h"

namespace liveedit::tokenizers {

namespace {

constexpr std::array<std::u32string_view, 2> kMarkers{U"<|startoftext|>", U"<|endoftext|>"};
constexpr std::size_t kBracket = 2;  // length of "<|" and "|>"

// At least 1, for text that does not begin with white space.
std::size_t word_length(std::u32string_view text) {
  if (const std::size_t length = length_of_contraction(text); length > 0) return length;
  if (const std::size_t length = length_while(text, is_letter); length > 0) return length;
  if (is_number(text.front())) return 1;
  return length_while(text, is_other);
}

}  // namespace

std::u32string normalize_clip_text(std::u32string_view text) {
  const std::u32string composed = normalize_nfc(text);
  std::u32string out;
  out.reserve(composed.size());
  bool in_space = false;
  for (const char32_t code : composed) {
    const bool space = is_space(code);
    if (space && !in_space) out.push_back(U' ');
    if (!space) append_lower(out, code);
    in_space = space;
  }
  return out;
}

void for_each_clip_word(std::u32string_view text, const std::function<bool(std::u32string_view)>& take) {
  while (!text.empty()) {
    if (is_space(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    // A marker that was not taken as an added token before (written in capitals) is one match, which the byte-level
    // step splits again.
    if (const std::size_t length = length_of_one(text, kMarkers); length > 0) {
      const std::u32string_view name = text.substr(kBracket, length - 2 * kBracket);
      if (!take(text.substr(0, kBracket)) || !take(name) || !take(text.substr(length - kBracket, kBracket))) return;
      text.remove_prefix(length);
      continue;
    }
    const std::size_t length = word_length(text);
    if (!take(text.substr(0, length))) return;
    text.remove_prefix(length);
  }
}

}  // namespace liveedit::tokenizers
