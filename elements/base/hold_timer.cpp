// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/hold_timer.h"

#include <chrono>

namespace liveedit::elements {

void HoldTimer::set(gint64 due) {
  {
    const std::lock_guard lock(mutex_);
    if (due == due_ || stop_) return;
    due_ = due;
    if (due >= 0 && !thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void HoldTimer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  stop_ = false;
  due_ = -1;
}

void HoldTimer::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const gint64 rest = due_ < 0 ? -1 : due_ - g_get_monotonic_time();
    if (due_ < 0) {
      changed_.wait(lock);
    } else if (rest > 0) {
      changed_.wait_for(lock, std::chrono::microseconds(rest));
    } else {
      due_ = -1;
      lock.unlock();
      leave_();
      lock.lock();
    }
  }
}

}  // namespace liveedit::elements
