// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as the head of a request (a line METHOD, a line TARGET, lines NAME:VALUE): whatever is not refused has a
// path that leads nowhere else, and one host.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "streaming/http/access_control.h"
#include "streaming/http/request_check.h"

namespace {

using namespace liveedit::streaming::http;  // NOLINT: what is tested

std::string_view next_line(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(text->size(), line.size() + 1));
  return line;
}

void check_path(const Request& request) {
  const std::string path = request.path + "/";
  if (path.front() != '/' || path.find("/../") != std::string::npos || path.find("/./") != std::string::npos)
    std::abort();
  if (path.find_first_of("?%\\ \n\r") != std::string::npos || path.find('\0') != std::string::npos) std::abort();
  for (const char* name : {"ticket", "quality", "user", ""}) {
    const auto value = request.query_parameter(name);
    if (value && value->find_first_of("&%+ \"<>") != std::string_view::npos) std::abort();
  }
}

void check_access(const Headers& headers) {
  static const AccessControl access({.allowed_origins = "https://one.example"}, 8000);
  std::string_view host, origin;
  for (const auto& [name, value] : headers) {
    if (name == "Host") host = value;
    if (name == "Origin") origin = value;
    const std::string client = access.client_in(value);
    if (!client.empty() && value.find('=') == std::string::npos) std::abort();
  }
  const std::string bare = host_of(host);
  if (std::any_of(bare.begin(), bare.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) std::abort();
  // Without a token, names of others are let in from nowhere.
  if (access.host_allowed(host) && !host.empty() && !is_loopback_host(bare) && host != "one.example") std::abort();
  if (access.origin_allowed(origin, host) && origin.find("evil") != std::string_view::npos &&
      host.find("evil") == std::string_view::npos)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view method = next_line(&rest), target = next_line(&rest);
  Headers headers;
  while (!rest.empty()) {
    const std::string_view line = next_line(&rest);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  if (const auto problem = problem_with_head(method, target, headers, 11, Limits())) {
    if (problem->status < 400 || problem->body == nullptr || problem->body->empty()) std::abort();
    return 0;
  }
  Request request;
  if (split_target(target, &request.path, &request.query)) check_path(request);
  check_access(headers);
  return 0;
}
