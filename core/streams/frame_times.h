// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace liveedit::streams {

// The median of the last 64 frame times, in milliseconds.
class FrameTimes {
 public:
  void add(double ms) {
    times_[next_++ % kKept] = ms;
    count_ = std::min(count_ + 1, kKept);
  }
  double median() const {
    if (count_ == 0) return 0;
    std::vector<double> sorted(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(count_));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count_ / 2), sorted.end());
    return sorted[count_ / 2];
  }

 private:
  static constexpr std::size_t kKept = 64;
  std::array<double, kKept> times_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace liveedit::streams
