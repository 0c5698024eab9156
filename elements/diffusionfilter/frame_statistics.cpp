// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/frame_statistics.h"

namespace liveedit::elements {

void FrameStatistics::set_prompt(const std::string& prompt) {
  std::lock_guard lock(mutex_);
  prompt_ = prompt;
}

std::string FrameStatistics::prompt() const {
  std::lock_guard lock(mutex_);
  return prompt_;
}

void FrameStatistics::count_region_empty() {
  std::lock_guard lock(mutex_);
  ++region_empty_;
}

std::uint64_t FrameStatistics::region_empty() const {
  std::lock_guard lock(mutex_);
  return region_empty_;
}

void FrameStatistics::reset() {
  FrameCounter::reset();
  std::lock_guard lock(mutex_);
  prompt_.clear();
  region_empty_ = 0;
}

}  // namespace liveedit::elements
