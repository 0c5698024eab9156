// SPDX-License-Identifier: LGPL-2.1-or-later
// Who watches one session's pictures (multipart/x-mixed-replace). I/O thread.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/session/engine.h"
#include "streaming/http/message.h"

namespace liveedit::server {

class Viewers {
 public:
  // What stands between the pictures.
  static constexpr char kBoundary[] = "frame";
  // Chunks that wait for one viewer; more would be pictures of the past.
  static constexpr size_t kViewerQueue = 2;
  // Without a new picture the last is sent again after this time, so that proxies keep the connection and a browser
  // that has gone is noticed.
  static constexpr std::chrono::seconds kRepeat{5};

  ~Viewers() { close(); }

  // `max_fps`: 0: every picture.
  void add(std::shared_ptr<streaming::http::BodyStream> stream, int quality, double max_fps, Clock::time_point now);
  size_t count();
  // The qualities that somebody watches.
  std::vector<int> qualities();
  // A JPEG of that quality, for whom it is time; `number` counts pictures, so that a late one is not shown after a
  // newer one.
  void show(int quality, uint64_t number, const std::string& jpeg, Clock::time_point now);
  // Shows the newest picture to those for whom it was too early, and again to those who have seen no other for long.
  // Gives the time at which the next of them is due.
  std::optional<Clock::time_point> catch_up(Clock::time_point now);
  void close();
  uint64_t shown() const { return shown_; }

 private:
  struct Viewer {
    std::shared_ptr<streaming::http::BodyStream> stream;
    int quality;
    std::chrono::nanoseconds interval;
    Clock::time_point due;
    Clock::time_point sent;
    uint64_t seen = 0;  // the number of the picture sent last
  };
  struct Last {
    uint64_t number = 0;
    streaming::http::Bytes part;
  };

  void drop_gone();
  void send(Viewer* viewer, const Last& last, Clock::time_point now);

  std::list<Viewer> viewers_;
  std::map<int, Last> last_;  // by quality
  uint64_t shown_ = 0;
};

}  // namespace liveedit::server
