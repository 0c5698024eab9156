// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/viewers.h"

#include <algorithm>

namespace liveedit::server {

void Viewers::add(std::shared_ptr<streaming::http::BodyStream> stream, int quality, double max_fps,
                  Clock::time_point now) {
  stream->push(std::make_shared<const std::string>(std::string("--") + kBoundary + "\r\n"));
  const auto interval = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(max_fps > 0 ? 1 / max_fps : 0));
  viewers_.push_back({std::move(stream), quality, interval, now, now});
  // Others may watch in this quality.
  if (const auto last = last_.find(quality); last != last_.end()) send(&viewers_.back(), last->second, now);
}

void Viewers::drop_gone() {
  std::erase_if(viewers_, [](const Viewer& viewer) { return viewer.stream->closed(); });
  // The last picture of a quality goes with the last who watched it.
  std::erase_if(last_, [this](const auto& last) {
    return std::none_of(viewers_.begin(), viewers_.end(), [&](const Viewer& v) { return v.quality == last.first; });
  });
}

size_t Viewers::count() {
  drop_gone();
  return viewers_.size();
}

std::vector<int> Viewers::qualities() {
  drop_gone();
  std::vector<int> qualities;
  for (const Viewer& viewer : viewers_) {
    const bool listed = std::find(qualities.begin(), qualities.end(), viewer.quality) != qualities.end();
    if (!listed) qualities.push_back(viewer.quality);
  }
  return qualities;
}

void Viewers::send(Viewer* viewer, const Last& last, Clock::time_point now) {
  if (!viewer->stream->push(last.part)) return;
  ++shown_;
  viewer->seen = last.number;
  viewer->sent = now;
  // Paced by when pictures were due, so that max_fps is kept in the mean. Networks that work on two frames at a time
  // give them in pairs: one may be early.
  viewer->due = std::max<Clock::time_point>(viewer->due + viewer->interval, now - viewer->interval);
}

void Viewers::show(int quality, uint64_t number, const std::string& jpeg, Clock::time_point now) {
  Last& last = last_[quality];
  if (number <= last.number) return;
  // The boundary behind the picture goes with it: a browser shows a picture when it sees where it ends.
  last = {number, std::make_shared<const std::string>(
                      "Content-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg.size()) + "\r\n\r\n" + jpeg +
                      "\r\n--" + kBoundary + "\r\n")};
  for (Viewer& viewer : viewers_) {
    if (viewer.quality == quality && now >= viewer.due) send(&viewer, last, now);
  }
}

std::optional<Clock::time_point> Viewers::catch_up(Clock::time_point now) {
  drop_gone();
  std::optional<Clock::time_point> next;
  for (Viewer& viewer : viewers_) {
    const auto last = last_.find(viewer.quality);
    if (last == last_.end()) continue;
    const bool behind = viewer.seen < last->second.number;
    if ((behind && now >= viewer.due) || now - viewer.sent >= kRepeat) {
      send(&viewer, last->second, now);
    } else if (behind && (!next || viewer.due < *next)) {
      next = viewer.due;
    }
  }
  return next;
}

void Viewers::close() {
  for (const Viewer& viewer : viewers_) viewer.stream->close();
  viewers_.clear();
  last_.clear();
}

}  // namespace liveedit::server
