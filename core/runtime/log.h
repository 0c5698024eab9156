// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "core/api/progress.h"

namespace liveedit::runtime {

// Where the process's core writes; an empty sink silences it. Any thread.
void set_log_sink(LogSink sink);
void log(LogLevel level, const std::string& text);

}  // namespace liveedit::runtime
