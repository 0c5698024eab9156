// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/message.h"

#include <strings.h>

#include <algorithm>

#include <glib.h>
#include <nlohmann/json.hpp>

namespace liveedit::streaming::http {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool unreserved(char c) {
  return g_ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string Request::content_type() const {
  std::string_view value = header("Content-Type").value_or("");
  value = value.substr(0, value.find(';'));
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  std::string type(value);
  std::transform(type.begin(), type.end(), type.begin(), [](char c) { return g_ascii_tolower(c); });
  return type;
}

std::optional<std::string_view> Request::query_parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    const std::string_view value = pair.substr(equals + 1);
    if (std::all_of(value.begin(), value.end(), unreserved)) return value;
    return {};
  }
  return {};
}

Response make_response(int status, std::string_view mime, std::string body, Headers headers) {
  return {status, std::move(headers), std::make_shared<const std::string>(std::move(body)), mime, 0};
}

Response make_problem(int status, std::string_view detail, Headers headers) {
  // Text of a peer may be in `detail`: what is not UTF-8 is replaced.
  const nlohmann::json problem = {
      {"type", "about:blank"}, {"title", reason_phrase(status)}, {"status", status}, {"detail", detail}};
  return make_response(status, "application/problem+json",
                       problem.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), std::move(headers));
}

std::string_view reason_phrase(int status) {
  static constexpr std::pair<int, std::string_view> kPhrases[] = {
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {204, "No Content"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) return phrase;
  }
  return "Unknown";
}

}  // namespace liveedit::streaming::http
