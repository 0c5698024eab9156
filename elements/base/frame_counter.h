// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

namespace liveedit::elements {

struct FrameCounts {
  static constexpr std::size_t kMaxOutcomes = 8;

  std::uint64_t in = 0;
  std::uint64_t dropped = 0;  // by QoS, before inference
  std::array<std::uint64_t, kMaxOutcomes> out{};

  // How many left with this value of an enumeration of outcomes.
  template <typename Outcome>
  std::uint64_t of(Outcome outcome) const {
    return out.at(static_cast<std::size_t>(outcome));
  }
};

// Counts what becomes of a stream's frames, and how fast they leave. Written by the streaming thread, read by any.
class FrameCounter {
 public:
  void count_in();
  void count_dropped();
  template <typename Outcome>
  void count_out(Outcome outcome) {
    count_left(static_cast<std::size_t>(outcome));
  }
  void reset();

  FrameCounts counts() const;
  double fps() const;  // of the last frames that left, by the wall clock; 0 until two have left

 private:
  static constexpr std::size_t kWindow = 32;

  void count_left(std::size_t outcome);

  mutable std::mutex mutex_;
  FrameCounts counts_;
  std::array<std::int64_t, kWindow> left_at_{};  // microseconds, a ring
  std::size_t left_ = 0;
};

}  // namespace liveedit::elements
