// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server tells its owner, on stderr: one line each, as text or JSON. No secret and nothing of a picture or a
// prompt goes here.
#pragma once

#include <string>
#include <string_view>

namespace liveedit::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL"; and whether lines are JSON. Before anything is logged.
void set_up_log(std::string_view least, bool json);

// Thread-safe.
void log(LogLevel level, const std::string& text);

}  // namespace liveedit::server
