// SPDX-License-Identifier: LGPL-2.1-or-later
// What the word patterns of CLIP and GPT-2 have in common: lengths of what stands at the start of a text, 0 where it
// does not.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/tokenizers/unicode_text.h"

namespace liveedit::tokenizers {

// One of `choices`; the first that fits.
template <std::size_t count>
std::size_t length_of_one(std::u32string_view text, const std::array<std::u32string_view, count>& choices) {
  for (const std::u32string_view choice : choices) {
    if (text.starts_with(choice)) return choice.size();
  }
  return 0;
}

// An English contraction: 's, 't, 're ...
inline std::size_t length_of_contraction(std::u32string_view text) {
  constexpr std::array<std::u32string_view, 7> kContractions{U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};
  return length_of_one(text, kContractions);
}

inline std::size_t length_while(std::u32string_view text, bool (*belongs)(char32_t)) {
  std::size_t length = 0;
  while (length < text.size() && belongs(text[length])) ++length;
  return length;
}

// Neither white space nor a letter nor a number.
inline bool is_other(char32_t code) {
  return !is_space(code) && !is_letter(code) && !is_number(code);
}

}  // namespace liveedit::tokenizers
