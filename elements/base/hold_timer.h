// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <glib.h>

namespace liveedit::elements {

// For frames that an element holds while it waits for the next one: calls `leave` on a thread of its own at the time
// that was set last, so that a frame leaves when it is done even where no other frame follows.
class HoldTimer {
 public:
  explicit HoldTimer(std::function<void()> leave) : leave_(std::move(leave)) {}
  ~HoldTimer() { stop(); }
  HoldTimer(const HoldTimer&) = delete;
  HoldTimer& operator=(const HoldTimer&) = delete;

  // g_get_monotonic_time() of the call; -1: no call. Any thread, also `leave` itself.
  void set(gint64 due);

  // Returns when `leave` does not run and will not. The caller holds no lock that `leave` takes.
  void stop();

 private:
  void run();

  const std::function<void()> leave_;
  std::mutex mutex_;
  std::condition_variable changed_;
  gint64 due_ = -1;
  bool stop_ = false;
  std::thread thread_;  // from the first time set on
};

}  // namespace liveedit::elements
