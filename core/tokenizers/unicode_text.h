// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace liveedit::tokenizers {

// Any bytes to code points; each maximal ill-formed piece becomes one U+FFFD (Unicode 3.9, practice of Python and the
// web).
std::u32string decode_utf8(std::string_view bytes);
void append_utf8(std::string& text, char32_t code);
std::string encode_utf8(std::u32string_view text);

// Canonical composition (UAX 15). Time O(n log n) for any text.
std::u32string normalize_nfc(std::u32string_view text);

// White_Space of the Unicode character database.
bool is_space(char32_t code);
bool is_letter(char32_t code);  // general categories L*
bool is_number(char32_t code);  // N*

// Appends the full lower-case mapping of one character, without context: a capital sigma always gives U+03C3.
void append_lower(std::u32string& text, char32_t code);

}  // namespace liveedit::tokenizers
