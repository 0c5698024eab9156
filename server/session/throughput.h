// SPDX-License-Identifier: LGPL-2.1-or-later
// How many frames a second the worker can edit, and for how many people that is enough.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace liveedit::server {

class Throughput {
 public:
  using Clock = std::chrono::steady_clock;
  // Over so long a time it is measured.
  static constexpr std::chrono::seconds kWindow{2};

  // One frame alone took so long: a first estimate, which frames side by side can only exceed.
  void frame_took(Clock::duration time);
  // Several times a second. `edited`: frames so far; `busy`: the worker has something to do; `full`: everybody who is
  // served waits for it.
  void look(uint64_t edited, bool busy, bool full, Clock::time_point now);

  double frames_per_second() const { return rate_; }  // 0: not known yet
  // At least one. `each`: frames a second that everybody shall get; 0: no limit.
  size_t slots(double each) const;

 private:
  double rate_ = 0;
  Clock::time_point since_;
  uint64_t edited_ = 0;
  bool full_ = false, measuring_ = false;
};

}  // namespace liveedit::server
