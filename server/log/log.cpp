// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/log/log.h"

#include <unistd.h>

#include <chrono>
#include <ctime>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

constexpr const char* kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

struct {
  LogLevel least = LogLevel::kInfo;
  bool json = false;
} shape;

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t size = std::strftime(text, sizeof text, "%FT%T", &utc);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(milliseconds));
  return text;
}

}  // namespace

void set_up_log(std::string_view least, bool json) {
  shape.json = json;
  shape.least = LogLevel::kError;  // CRITICAL, too: nothing is worse here
  for (int i = 0; i < 4; ++i) {
    if (least == kNames[i]) shape.least = static_cast<LogLevel>(i);
  }
}

void log(LogLevel level, const std::string& text) {
  if (level < shape.least) return;
  const char* name = kNames[static_cast<int>(level)];
  std::string line = shape.json
                         ? nlohmann::ordered_json{{"time", time_text()}, {"level", name}, {"message", text}}.dump(
                               -1, ' ', false, nlohmann::json::error_handler_t::replace)
                         : time_text() + " " + name + " " + text;
  line += "\n";
  // One call, so that lines of several threads do not mix. Where nobody listens nothing is lost.
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace liveedit::server
