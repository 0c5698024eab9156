// SPDX-License-Identifier: LGPL-2.1-or-later
// The interface of sd-fastvideo: a control socket, a data socket, and the GPUs (docs/server.md).
#pragma once

#include <memory>
#include <vector>

#include "server/config/config.h"
#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// WS /ws/{clientId}, WS /data/{clientId}, GET /nvml.
std::vector<streaming::http::Route> fast_video_routes(const Config& config, const std::shared_ptr<Sessions>& sessions);

}  // namespace liveedit::server
