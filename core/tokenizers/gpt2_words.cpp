// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/gpt2_words.h"

#include "core/tokenizers/unicode_text.h"
#include "core/tokenizers/word_parts.h"

namespace liveedit::tokenizers {

namespace {

// Letters, numbers or others at the start of `text`; 0 for white space.
std::size_t run_length(std::u32string_view text) {
  if (text.empty() || is_space(text.front())) return 0;
  if (is_letter(text.front())) return length_while(text, is_letter);
  if (is_number(text.front())) return length_while(text, is_number);
  return length_while(text, is_other);
}

// At least 1.
std::size_t word_length(std::u32string_view text) {
  if (const std::size_t length = length_of_contraction(text); length > 0) return length;
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
