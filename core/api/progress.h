// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

namespace liveedit {

// One step of a long operation. `text` is for people; `fraction` is 0..1, or -1 where it is not known.
struct ProgressStep {
  std::string text;
  double fraction = -1;
};

// Called on the thread that does the work. Returns false to ask that the work stop: the call then throws Error.
using ProgressSink = std::function<bool(const ProgressStep&)>;

enum class LogLevel { kError, kWarning, kInfo, kDebug };

// May be called on any thread, also before a call returns.
using LogSink = std::function<void(LogLevel, const std::string&)>;

}  // namespace liveedit
