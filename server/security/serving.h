// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "server/config/config.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// What the web server is started with: who may come, and what one client may do. Throws Error (kSettings), in the words
// of the configuration, where that would let strangers in or cannot work.
streaming::http::ServerConfig serving_config(const Config& config);

}  // namespace liveedit::server
