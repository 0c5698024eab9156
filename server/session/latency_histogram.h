// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace liveedit::server {

// How long things took, counted in steps (Prometheus' histogram).
class LatencyHistogram {
 public:
  // Upper ends of the steps in seconds; what took longer is counted behind the last.
  static constexpr std::array<double, 14> kBounds = {0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08,
                                                     0.1,   0.15, 0.25, 0.5,  1,     2.5,  10};

  void add(std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    size_t step = 0;
    while (step < kBounds.size() && seconds > kBounds[step]) ++step;
    ++counts_[step];
    sum_ += seconds;
  }
  void add(const LatencyHistogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

  // Of step i alone; i == kBounds.size(): what took longer.
  uint64_t count(size_t i) const { return counts_[i]; }
  double sum() const { return sum_; }  // seconds

 private:
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

}  // namespace liveedit::server
