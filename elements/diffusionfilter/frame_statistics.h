// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "core/api/diffuser.h"
#include "elements/base/frame_counter.h"

namespace liveedit::elements {

// What has become of a stream's frames, by FrameOutcome, and with which prompt. Written by the streaming thread, read
// by any.
class FrameStatistics : public FrameCounter {
 public:
  void set_prompt(const std::string& prompt);  // of the newest frame that left
  std::string prompt() const;
  void count_region_empty();  // a frame that left as it came because its matte left nothing to edit
  std::uint64_t region_empty() const;
  void reset();

 private:
  mutable std::mutex mutex_;
  std::string prompt_;
  std::uint64_t region_empty_ = 0;
};

}  // namespace liveedit::elements
