// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include <arpa/inet.h>
#include <glib.h>

#include "streaming/base/error.h"
#include "streaming/http/request_check.h"
#include "streaming/http/server.h"
#include "streaming/http/tls.h"

namespace liveedit::streaming::http {
namespace {

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

void check_token(const std::string& token) {
  // RFC 6750: what a token is written with.
  const auto fits = [](char c) {
    return g_ascii_isalnum(c) || (c != '\0' && std::string_view("-._~+/=").find(c) != std::string_view::npos);
  };
  if (token.size() < 8 || token.size() > 256 || !std::all_of(token.begin(), token.end(), fits))
    throw Error(ErrorKind::kSettings,
                "The token does not fit: 8 to 256 letters, digits and the signs - . _ ~ + / =, without spaces.");
}

}  // namespace

void check_config(const ServerConfig& config) {
  if (config.port < 0 || config.port > 65535)
    throw Error(ErrorKind::kSettings,
                "Port " + std::to_string(config.port) + " does not exist: 0 (any free one) to 65535.");
  if (config.bind_address != "localhost" && !is_address(config.bind_address))
    throw Error(ErrorKind::kSettings,
                "bind-address \"" + config.bind_address +
                    "\" is not an IP address: 127.0.0.1 for this machine alone, 0.0.0.0 for every network it is on.");
  if (!config.token.empty()) check_token(config.token);
  if (config.token.empty() && !config.insecure && !is_loopback_host(config.bind_address))
    throw Error(ErrorKind::kSettings,
                "bind-address " + config.bind_address +
                    " lets others watch without a token: set token, or insecure=true if everybody may.");
  if (config.tls_certificate.empty() && !config.tls_private_key.empty())
    throw Error(ErrorKind::kSettings, "tls-private-key is set without tls-certificate: set both (PEM files), or none.");
  make_tls_context(config);
}

}  // namespace liveedit::streaming::http
