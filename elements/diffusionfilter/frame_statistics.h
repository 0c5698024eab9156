// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "core/api/diffuser.h"

namespace liveedit::elements {

struct FrameCounts {
  std::uint64_t in = 0;
  std::uint64_t edited = 0;
  std::uint64_t held = 0;
  std::uint64_t passed = 0;
  std::uint64_t dropped = 0;  // by QoS, before inference
};

// What has become of a stream's frames. Written by the streaming thread, read by any.
class FrameStatistics {
 public:
  void count_in();
  void count_dropped();
  void count_out(FrameOutcome outcome);
  void set_prompt(const std::string& prompt);  // of the newest frame that left
  void reset();

  FrameCounts counts() const;
  std::string prompt() const;
  double fps() const;  // of the last frames that left, by the wall clock; 0 until two have left

 private:
  static constexpr std::size_t kWindow = 32;

  mutable std::mutex mutex_;
  FrameCounts counts_;
  std::string prompt_;
  std::array<std::int64_t, kWindow> left_at_{};  // microseconds, a ring
  std::size_t left_ = 0;
};

}  // namespace liveedit::elements
