// SPDX-License-Identifier: LGPL-2.1-or-later
// Small readers of text that came from outside: they never read past the end and never allocate.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace liveedit::streaming {

// The part of `*rest` up to the first `separator`, which is taken out of `*rest`; all of it where there is none.
inline std::string_view next_token(std::string_view* rest, char separator) {
  const std::size_t at = rest->find(separator);
  const std::string_view token = rest->substr(0, at);
  *rest = at == std::string_view::npos ? std::string_view() : rest->substr(at + 1);
  return token;
}

// The next line without its CR LF or LF.
inline std::string_view next_line(std::string_view* rest) {
  std::string_view line = next_token(rest, '\n');
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// A whole number, nothing before or behind it, within [least, greatest].
template <typename Number>
std::optional<Number> parse_number(std::string_view text, Number least, Number greatest) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > greatest)
    return std::nullopt;
  return value;
}

inline bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// RFC 8866's token: the characters of mids, encoding names and the like.
inline bool is_token(std::string_view text, std::size_t longest) {
  if (text.empty() || text.size() > longest) return false;
  for (const char c : text) {
    if (!is_alphanumeric(c) && std::string_view("!#$%&'*+-.^_`{|}~").find(c) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace liveedit::streaming
