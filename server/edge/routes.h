// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server answers at which address.
#pragma once

#include <memory>
#include <vector>

#include "server/config/config.h"
#include "server/media/media.h"
#include "server/session/sessions.h"
#include "streaming/http/server.h"

namespace liveedit::server {

std::vector<streaming::http::Route> server_routes(const Config& config, const std::shared_ptr<Sessions>& sessions,
                                                  const std::shared_ptr<Media>& media);

// The page and what belongs to it (made from web/ at configure time).
std::vector<streaming::http::Route> page_routes();

}  // namespace liveedit::server
