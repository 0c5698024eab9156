// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "server/config/config.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// Where a server of this process listens and what protects it, in settings that have the web server's names.
template <typename Serving>
void set_address(const ServingConfig& config, Serving* serving) {
  serving->bind_address = config.host;
  serving->token = config.token;
  serving->insecure = config.insecure;
  serving->tls_certificate = config.tls_certificate;
  serving->tls_private_key = config.tls_private_key;
}

// What the web server is started with: who may come, and what one client may do. Throws Error (kSettings), in the words
// of the configuration, where that would let strangers in or cannot work.
streaming::http::ServerConfig serving_config(const Config& config);

}  // namespace liveedit::server
