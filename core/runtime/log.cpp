// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/log.h"

#include <mutex>
#include <utility>

namespace liveedit::runtime {
namespace {

struct Sink {
  std::mutex mutex;
  LogSink write;
};

Sink& sink() {
  static auto* const one = new Sink;  // never destroyed: threads may log at exit
  return *one;
}

}  // namespace

void set_log_sink(LogSink write) {
  const std::lock_guard lock(sink().mutex);
  sink().write = std::move(write);
}

void log(LogLevel level, const std::string& text) {
  LogSink write;
  {
    const std::lock_guard lock(sink().mutex);
    write = sink().write;
  }
  if (write) write(level, text);
}

}  // namespace liveedit::runtime
