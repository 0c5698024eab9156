// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "streaming/http/message.h"

namespace liveedit::streaming::http {

// Status line and headers, up to the empty line. A header whose value would break out of its line is left out.
std::string response_head(const Response& response, const Headers& common, bool keep_alive);

}  // namespace liveedit::streaming::http
