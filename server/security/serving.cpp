// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/security/serving.h"

#include <cmath>

#include "streaming/base/error.h"
#include "streaming/http/request_check.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using streaming::Error;
using streaming::ErrorKind;

http::Limits http_limits(const LimitsConfig& limits) {
  const auto milliseconds = [](double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(std::ceil(seconds * 1000)));
  };
  http::Limits made;
  made.header_bytes = static_cast<size_t>(limits.header_bytes);
  made.header_fields = static_cast<size_t>(limits.header_fields);
  made.target_bytes = static_cast<size_t>(limits.target_bytes);
  made.connections = static_cast<size_t>(limits.connections);
  made.connections_per_address = static_cast<size_t>(limits.connections_per_address);
  made.requests_per_connection = static_cast<size_t>(limits.requests_per_connection);
  made.requests_per_second = limits.requests_per_second;
  made.request_burst = limits.request_burst;
  made.failed_logins = static_cast<size_t>(limits.failed_logins);
  made.header_time = milliseconds(limits.header_seconds);
  made.body_time = milliseconds(limits.body_seconds);
  made.idle_time = milliseconds(limits.idle_seconds);
  made.write_time = milliseconds(limits.write_seconds);
  made.answer_time = milliseconds(limits.answer_seconds);
  return made;
}

}  // namespace

http::ServerConfig serving_config(const Config& config) {
  http::ServerConfig serving;
  set_address(config.server, &serving);
  serving.port = config.server.port;
  for (const std::string& origin : config.cors.allow_origins)
    serving.allowed_origins += (serving.allowed_origins.empty() ? "" : ",") + origin;
  serving.limits = http_limits(config.limits);
  if (config.server.token.empty() && !config.server.insecure && !http::is_loopback_host(config.server.host))
    throw Error(ErrorKind::kSettings,
                "server.host " + config.server.host +
                    " lets others in without a token: name a file with one (server.token_file), or start with "
                    "--insecure if everybody may.");
  http::check_config(serving);
  return serving;
}

}  // namespace liveedit::server
