// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/throughput.h"

#include <algorithm>
#include <limits>

namespace liveedit::server {

void Throughput::frame_took(Clock::duration time) {
  const double seconds = std::max(std::chrono::duration<double>(time).count(), 1e-4);
  rate_ = std::max(rate_, 1 / seconds);
}

void Throughput::look(uint64_t edited, bool busy, bool full, Clock::time_point now) {
  if (!busy) {
    measuring_ = false;
    return;
  }
  if (!measuring_) {
    measuring_ = full_ = true;
    since_ = now;
    edited_ = edited;
  }
  full_ = full_ && full;
  if (now - since_ < kWindow) return;
  const double rate = static_cast<double>(edited - edited_) / std::chrono::duration<double>(now - since_).count();
  // Fewer frames mean a slower worker only where it had no pause; and then one window is not believed alone.
  if (rate > rate_) {
    rate_ = rate;
  } else if (full_) {
    rate_ += (rate - rate_) / 4;
  }
  measuring_ = false;
}

size_t Throughput::slots(double each) const {
  if (each <= 0 || rate_ <= 0) return std::numeric_limits<size_t>::max();
  return static_cast<size_t>(std::max(1.0, rate_ / each));
}

}  // namespace liveedit::server
