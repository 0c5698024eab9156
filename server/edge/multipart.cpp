// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/multipart.h"

#include <strings.h>

namespace liveedit::server {
namespace {

constexpr size_t kLongestBoundary = 70;  // RFC 2046

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && strncasecmp(text.data(), word.data(), word.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// The value of ;name=value or ;name="value" behind the first semicolon; empty: there is none.
std::string parameter_of(std::string_view header, std::string_view name) {
  for (size_t at = header.find(';'); at != std::string_view::npos;) {
    std::string_view rest = trim(header.substr(at + 1));
    const bool is_it = starts_with_word(rest, name) && rest.size() > name.size() && rest[name.size()] == '=';
    const size_t sign = rest.find('=');
    if (sign == std::string_view::npos) return {};
    rest.remove_prefix(sign + 1);
    std::string value;
    size_t end = 0;
    if (rest.starts_with('"')) {
      for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
        if (rest[end] == '\\' && end + 1 < rest.size()) ++end;
        value += rest[end];
      }
      if (end >= rest.size()) return {};  // the quote is not closed
    } else {
      end = std::min(rest.find(';'), rest.size());
      value = trim(rest.substr(0, end));
    }
    if (is_it) return value;
    rest.remove_prefix(end);
    at = rest.find(';');
    header = rest;
  }
  return {};
}

// Whether the head of a part is that of `name`.
bool is_part(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    if (starts_with_word(line, "content-disposition:")) return parameter_of(line, "name") == name;
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return false;
}

}  // namespace

std::optional<std::string_view> form_part(std::string_view body, std::string_view content_type, std::string_view name) {
  if (!starts_with_word(content_type, "multipart/form-data")) return {};
  const std::string boundary = parameter_of(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kLongestBoundary) return {};
  const std::string first = "--" + boundary, next = "\r\n--" + boundary;
  size_t at = 0;
  if (!body.starts_with(first)) {
    at = body.find(next);
    if (at == std::string_view::npos) return {};
    at += 2;
  }
  while (true) {
    at += first.size();
    if (body.substr(at, 2) == "--") return {};  // that was the last
    const size_t line = body.find("\r\n", at);
    if (line == std::string_view::npos) return {};
    const size_t head_end = body.find("\r\n\r\n", line);
    if (head_end == std::string_view::npos) return {};
    const size_t end = body.find(next, head_end + 2);
    if (end == std::string_view::npos) return {};
    const size_t content = head_end + 4;
    if (is_part(body.substr(line + 2, head_end - std::min(line + 2, head_end)), name))
      return content <= end ? body.substr(content, end - content) : std::string_view();
    at = end + 2;
  }
}

}  // namespace liveedit::server
