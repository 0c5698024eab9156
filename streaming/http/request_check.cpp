// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/request_check.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>

#include <glib.h>

namespace liveedit::streaming::http {
namespace {

bool equals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

size_t count(const Headers& headers, std::string_view name) {
  return std::count_if(headers.begin(), headers.end(),
                       [&](const Header& header) { return equals(header.first, name); });
}

std::string_view value_of(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equals(key, name)) return value;
  }
  return {};
}

// As it came, with one space after each colon.
size_t head_bytes(std::string_view method, std::string_view target, const Headers& headers) {
  size_t bytes = method.size() + target.size() + std::string_view("  HTTP/1.1\r\n\r\n").size();
  for (const auto& [name, value] : headers) bytes += name.size() + value.size() + std::string_view(": \r\n").size();
  return bytes;
}

bool visible(char c) {
  return c > ' ' && c < 0x7f;
}

}  // namespace

bool split_target(std::string_view target, std::string* path, std::string* query) {
  if (target.empty() || target.front() != '/' || !std::all_of(target.begin(), target.end(), visible)) return false;
  const size_t mark = target.find('?');
  const std::string_view before = target.substr(0, mark);
  if (before.find_first_of("%\\#;") != std::string_view::npos) return false;
  for (size_t at = 0; at < before.size();) {
    const size_t next = std::min(before.find('/', at + 1), before.size());
    const std::string_view segment = before.substr(at + 1, next - at - 1);
    const bool last = next == before.size();
    if ((segment.empty() && !last) || segment == "." || segment == "..") return false;
    at = next;
  }
  *path = before;
  *query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  return true;
}

std::optional<Response> problem_with_head(std::string_view method, std::string_view target, const Headers& headers,
                                          int version, const Limits& limits) {
  if (version != 10 && version != 11) return make_problem(505, "This server speaks HTTP/1.1.");
  if (target.size() > limits.target_bytes) return make_problem(414, "The address is too long.");
  if (head_bytes(method, target, headers) > limits.header_bytes || headers.size() > limits.header_fields)
    return make_problem(431, "The request has too many headers, or too long ones.");
  const size_t hosts = count(headers, "Host");
  if (hosts > 1 || (hosts == 0 && version == 11)) return make_problem(400, "A request has exactly one Host header.");
  const size_t lengths = count(headers, "Content-Length"), encodings = count(headers, "Transfer-Encoding");
  if (lengths > 1) return make_problem(400, "A request has one Content-Length at most.");
  if (encodings > 0) {
    if (lengths > 0) return make_problem(400, "A request has Content-Length or Transfer-Encoding, not both.");
    if (version == 10) return make_problem(400, "HTTP/1.0 knows no Transfer-Encoding.");
    if (encodings > 1 || !equals(value_of(headers, "Transfer-Encoding"), "chunked"))
      return make_problem(501, "The only Transfer-Encoding understood is chunked.");
  }
  if (count(headers, "Content-Encoding") > 0) return make_problem(415, "Encoded bodies are not accepted.");
  const std::string_view expect = value_of(headers, "Expect");
  if (!expect.empty() && !equals(expect, "100-continue"))
    return make_problem(400, "The only Expect understood is 100-continue.");
  return {};
}

std::string host_of(std::string_view authority) {
  std::string_view host = authority;
  if (!host.empty() && host.front() == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos || (end + 1 < host.size() && host[end + 1] != ':')) return {};
    host = host.substr(1, end - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  std::string lower(host);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return g_ascii_tolower(c); });
  return lower;
}

bool is_loopback_host(std::string_view host) {
  const std::string text(host);
  if (text == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace liveedit::streaming::http
