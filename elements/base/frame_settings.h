// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace liveedit::elements {

// The settings of an element, written and read on any thread, of which each frame takes one consistent set, `Params` of
// the border.
template <typename Settings, typename Params>
class FrameSettings {
 public:
  // Runs `change(Settings&)` under the lock; it must not call out.
  template <typename Change>
  auto write(Change&& change) {
    std::lock_guard lock(mutex_);
    return change(settings_);
  }

  template <typename Look>
  auto read(Look&& look) const {
    std::lock_guard lock(mutex_);
    return look(settings_);
  }

 protected:
  // What `make(const Settings&)`, which runs under the lock, returns; the same object as long as that is the same.
  template <typename Make>
  std::shared_ptr<const Params> take(Make&& make) {
    std::lock_guard lock(mutex_);
    Params params = make(std::as_const(settings_));
    if (!taken_ || *taken_ != params) taken_ = std::make_shared<const Params>(std::move(params));
    return taken_;
  }

 private:
  mutable std::mutex mutex_;
  Settings settings_;
  std::shared_ptr<const Params> taken_;
};

}  // namespace liveedit::elements
