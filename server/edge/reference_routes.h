// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// POST /api/ip_ref_image and /api/ip_ref_image/clear: the reference picture of a session.
std::vector<streaming::http::Route> reference_routes(const Config& config, const std::shared_ptr<Sessions>& sessions);

}  // namespace liveedit::server
