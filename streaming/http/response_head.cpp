// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/response_head.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <glib.h>

#include "streaming/http/log.h"

namespace liveedit::streaming::http {
namespace {

// RFC 9110: what a field value is made of.
bool is_one_line(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

void add(std::string* text, std::string_view name, std::string_view value) {
  if (!is_one_line(value)) {
    GST_WARNING("the header %.*s is left out: its value is not one line", static_cast<int>(name.size()), name.data());
    return;
  }
  text->append(name).append(": ").append(value).append("\r\n");
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  // Not strftime: its names follow the locale.
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[40];
  g_snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", kDays[utc.tm_wday], utc.tm_mday,
             kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text;
}

}  // namespace

std::string response_head(const Response& response, const Headers& common, bool keep_alive) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(reason_phrase(response.status)).append("\r\n");
  add(&text, "Date", http_date());
  for (const auto& [name, value] : common) add(&text, name, value);
  for (const auto& [name, value] : response.headers) add(&text, name, value);
  if (!response.mime.empty()) add(&text, "Content-Type", response.mime);
  const bool endless = response.stream_capacity > 0;
  // RFC 9110 8.6: no Content-Length with 1xx and 204.
  if (!endless && response.status >= 200 && response.status != 204)
    add(&text, "Content-Length", std::to_string(response.body ? response.body->size() : 0));
  add(&text, "Connection", keep_alive ? "keep-alive" : "close");
  return text + "\r\n";
}

}  // namespace liveedit::streaming::http
