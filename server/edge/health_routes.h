// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// GET /health, /api/health, /metrics.
std::vector<streaming::http::Route> health_routes(const std::shared_ptr<Sessions>& sessions);

}  // namespace liveedit::server
