// SPDX-License-Identifier: LGPL-2.1-or-later
// What is asked for once, and answered once.
#pragma once

#include <memory>
#include <vector>

#include "server/config/config.h"
#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// POST /edit, /api/stt, /api/ip_ref_image, /api/ip_ref_image/clear.
std::vector<streaming::http::Route> request_routes(const Config& config, const std::shared_ptr<Sessions>& sessions);

}  // namespace liveedit::server
