// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "streaming/http/server.h"

namespace liveedit::streaming {

// The page that watches, at "/", with its script and style.
std::vector<http::Route> viewer_pages();

// The page that publishes, at "/", with its script and style.
std::vector<http::Route> publisher_pages();

}  // namespace liveedit::streaming
