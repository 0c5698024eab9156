// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/frame_counter.h"

#include <algorithm>

#include <glib.h>

namespace liveedit::elements {

void FrameCounter::count_in() {
  std::lock_guard lock(mutex_);
  ++counts_.in;
}

void FrameCounter::count_dropped() {
  std::lock_guard lock(mutex_);
  ++counts_.dropped;
}

void FrameCounter::count_left(std::size_t outcome) {
  const std::int64_t now = g_get_monotonic_time();
  std::lock_guard lock(mutex_);
  ++counts_.out.at(outcome);
  left_at_[left_++ % kWindow] = now;
}

void FrameCounter::reset() {
  std::lock_guard lock(mutex_);
  counts_ = {};
  left_ = 0;
}

FrameCounts FrameCounter::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

double FrameCounter::fps() const {
  std::lock_guard lock(mutex_);
  const std::size_t held = std::min(left_, kWindow);
  if (held < 2) return 0;
  const std::int64_t span = left_at_[(left_ - 1) % kWindow] - left_at_[(left_ - held) % kWindow];
  return span > 0 ? (held - 1) * 1e6 / span : 0;
}

}  // namespace liveedit::elements
