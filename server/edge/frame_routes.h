// SPDX-License-Identifier: LGPL-2.1-or-later
// Live editing over WebSocket and MJPEG: the interfaces of the StreamDiffusion back ends (docs/server.md).
#pragma once

#include <memory>
#include <vector>

#include "server/config/config.h"
#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// WS /api/ws/{userId}, GET /api/stream/{userId}, /api/settings, /api/queue, /api/sessions, /api/sessions/{userId}.
std::vector<streaming::http::Route> frame_routes(const Config& config, const std::shared_ptr<Sessions>& sessions);

}  // namespace liveedit::server
