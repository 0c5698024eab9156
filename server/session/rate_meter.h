// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>

namespace liveedit::server {

// How often something happens now: the mean over about two seconds.
class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;

  // `count`: how often it has happened so far. To be called several times a second.
  void look(uint64_t count, Clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    if (seconds <= 0) return;
    const double share = seconds < kSeconds ? seconds / kSeconds : 1;
    rate_ += (static_cast<double>(count - count_) / seconds - rate_) * share;
    at_ = now;
    count_ = count;
  }
  double per_second() const { return rate_; }

 private:
  static constexpr double kSeconds = 2;
  Clock::time_point at_ = Clock::now();
  uint64_t count_ = 0;
  double rate_ = 0;
};

}  // namespace liveedit::server
