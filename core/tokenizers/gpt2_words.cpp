// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/gpt2_words.h"

#include <array>

#include "core/tokenizers/unicode_text.h"

namespace liveedit::tokenizers {

namespace {

constexpr std::array<std::u32string_view, 7> kContractions{U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};

std::size_t length_while(std::u32string_view text, bool (*belongs)(char32_t)) {
  std::size_t length = 0;
  while (length < text.size() && belongs(text[length])) ++length;
  return length;
}

bool is_other(char32_t code) {
  return !is_space(code) && !is_letter(code) && !is_number(code);
}

// Letters, numbers or others at the start of `text`; 0 for white space.
std::size_t run_length(std::u32string_view text) {
  if (text.empty() || is_space(text.front())) return 0;
  if (is_letter(text.front())) return length_while(text, is_letter);
  if (is_number(text.front())) return length_while(text, is_number);
  return length_while(text, is_other);
}

// At least 1.
std::size_t word_length(std::u32string_view text) {
  for (const std::u32string_view contraction : kContractions) {
    if (text.starts_with(contraction)) return contraction.size();
  }
  const std::size_t blank = text.front() == U' ' ? 1 : 0;
  if (const std::size_t length = run_length(text.substr(blank)); length > 0) return blank + length;
  // White space before a word leaves its last character to that word.
  const std::size_t spaces = length_while(text, is_space);
  return spaces > 1 && spaces < text.size() ? spaces - 1 : spaces;
}

}  // namespace

void for_each_gpt2_word(std::u32string_view text, const std::function<void(std::u32string_view)>& take) {
  while (!text.empty()) {
    const std::size_t length = word_length(text);
    take(text.substr(0, length));
    text.remove_prefix(length);
  }
}

}  // namespace liveedit::tokenizers
