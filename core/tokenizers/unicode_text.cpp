// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/unicode_text.h"

#include <glib.h>

#include <algorithm>
#include <array>

namespace liveedit::tokenizers {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code;
  std::size_t length;  // bytes used, at least 1
};

// The bounds of the second byte are what keeps out overlong forms, surrogates and codes past U+10FFFF (Unicode table
// 3-7).
Decoded decode_one(std::string_view bytes) {
  const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xC2 || first > 0xF4) return {kReplacement, 1};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  char32_t code = first & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const bool fits = i < bytes.size() && byte(i) >= (i == 1 ? low : 0x80) && byte(i) <= (i == 1 ? high : 0xBF);
    if (!fits) return {kReplacement, i};
    code = (code << 6) | (byte(i) & 0x3F);
  }
  return {code, length};
}

bool is_ascii(std::u32string_view text) {
  return std::all_of(text.begin(), text.end(), [](char32_t code) { return code < 0x80; });
}

// Canonical decomposition with combining marks in canonical order. Sorting is ours: GLib's own takes time n * n for a
// long run of marks, which a text from outside may hold.
std::u32string decompose(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t code : text) {
    std::array<gunichar, G_UNICHAR_MAX_DECOMPOSITION_LENGTH> parts{};
    const gsize count = g_unichar_fully_decompose(code, FALSE, parts.data(), parts.size());
    out.append(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count));
  }
  const auto mark_class = [](char32_t code) { return g_unichar_combining_class(code); };
  for (auto run = out.begin(); run != out.end();) {
    if (mark_class(*run) == 0) {
      ++run;
      continue;
    }
    const auto end = std::find_if(run, out.end(), [&](char32_t code) { return mark_class(code) == 0; });
    std::stable_sort(run, end, [&](char32_t a, char32_t b) { return mark_class(a) < mark_class(b); });
    run = end;
  }
  return out;
}

}  // namespace

std::u32string decode_utf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Decoded one = decode_one(bytes);
    text.push_back(one.code);
    bytes.remove_prefix(one.length);
  }
  return text;
}

void append_utf8(std::string& text, char32_t code) {
  std::array<char, 6> bytes{};
  text.append(bytes.data(), static_cast<std::size_t>(g_unichar_to_utf8(code, bytes.data())));
}

std::string encode_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t code : text) append_utf8(bytes, code);
  return bytes;
}

std::u32string normalize_nfc(std::u32string_view text) {
  if (is_ascii(text)) return std::u32string(text);
  const std::u32string parts = decompose(text);
  std::u32string out;
  out.reserve(parts.size());
  std::size_t starter = std::u32string::npos;  // of the composition under way, in `out`
  int last_class = 0;                          // of the last character kept after it
  for (const char32_t code : parts) {
    const int mark_class = g_unichar_combining_class(code);
    gunichar composed = 0;
    // Blocked where a character of the same or a higher class, or another starter, stands between.
    const bool adjacent = starter != std::u32string::npos && out.size() == starter + 1;
    const bool reachable =
        starter != std::u32string::npos && (adjacent || (last_class != 0 && last_class < mark_class));
    if (reachable && g_unichar_compose(out[starter], code, &composed)) {
      out[starter] = composed;
      continue;
    }
    if (mark_class == 0) starter = out.size();
    last_class = mark_class;
    out.push_back(code);
  }
  return out;
}

bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

bool is_letter(char32_t code) {
  switch (g_unichar_type(code)) {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
      return true;
    default:
      return false;
  }
}

bool is_number(char32_t code) {
  switch (g_unichar_type(code)) {
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_OTHER_NUMBER:
      return true;
    default:
      return false;
  }
}

void append_lower(std::u32string& text, char32_t code) {
  // The one character whose lower case has two, without regard to language (SpecialCasing.txt).
  if (code == 0x130) {
    text += U"i\u0307";
    return;
  }
  // GLib maps letters only; these two blocks are capitals that are not letters: Roman numerals and circled letters.
  if (code >= 0x2160 && code <= 0x216F) {
    text.push_back(code + 16);
  } else if (code >= 0x24B6 && code <= 0x24CF) {
    text.push_back(code + 26);
  } else {
    text.push_back(g_unichar_tolower(code));
  }
}

}  // namespace liveedit::tokenizers
