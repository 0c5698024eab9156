// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/frame_statistics.h"

#include <algorithm>

#include <glib.h>

namespace liveedit::elements {

void FrameStatistics::count_in() {
  std::lock_guard lock(mutex_);
  ++counts_.in;
}

void FrameStatistics::count_dropped() {
  std::lock_guard lock(mutex_);
  ++counts_.dropped;
}

void FrameStatistics::count_out(FrameOutcome outcome) {
  const std::int64_t now = g_get_monotonic_time();
  std::lock_guard lock(mutex_);
  switch (outcome) {
    case FrameOutcome::kEdited:
      ++counts_.edited;
      break;
    case FrameOutcome::kHeld:
      ++counts_.held;
      break;
    case FrameOutcome::kPassed:
      ++counts_.passed;
      break;
  }
  left_at_[left_++ % kWindow] = now;
}

void FrameStatistics::set_prompt(const std::string& prompt) {
  std::lock_guard lock(mutex_);
  prompt_ = prompt;
}

void FrameStatistics::reset() {
  std::lock_guard lock(mutex_);
  counts_ = {};
  prompt_.clear();
  left_ = 0;
}

FrameCounts FrameStatistics::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

std::string FrameStatistics::prompt() const {
  std::lock_guard lock(mutex_);
  return prompt_;
}

double FrameStatistics::fps() const {
  std::lock_guard lock(mutex_);
  const std::size_t held = std::min(left_, kWindow);
  if (held < 2) return 0;
  const std::int64_t span = left_at_[(left_ - 1) % kWindow] - left_at_[(left_ - held) % kWindow];
  return span > 0 ? (held - 1) * 1e6 / span : 0;
}

}  // namespace liveedit::elements
