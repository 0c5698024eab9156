// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/shared_models.h"

#include <chrono>

#include "core/api/error.h"

namespace liveedit::runtime {

std::shared_ptr<SharedModels::Slot> SharedModels::slot_of(const std::string& key) {
  const std::lock_guard lock(mutex_);
  // Slots that nobody holds and whose model is gone have no further use.
  std::erase_if(slots_, [](const auto& item) { return item.second.use_count() == 1 && item.second->model.expired(); });
  std::shared_ptr<Slot>& slot = slots_[key];
  if (!slot) slot = std::make_shared<Slot>();
  return slot;
}

std::shared_ptr<void> SharedModels::get_any(const std::string& key, const std::function<std::shared_ptr<void>()>& load,
                                            const ProgressSink& progress) {
  using namespace std::chrono_literals;
  const std::shared_ptr<Slot> slot = slot_of(key);
  std::unique_lock loading(slot->loading, std::defer_lock);
  while (!loading.try_lock_for(200ms)) {
    if (progress && !progress({"Waiting for the model, which another stream loads", -1})) {
      throw Error(ErrorKind::kUnavailable, "Loading the model was stopped.");
    }
  }
  if (auto shared = slot->model.lock()) {
    if (progress) progress({"The model is shared with another stream", 1});
    return shared;
  }
  std::shared_ptr<void> loaded = load();
  {
    const std::lock_guard lock(mutex_);
    slot->model = loaded;
  }
  return loaded;
}

std::size_t SharedModels::in_use() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [key, slot] : slots_) count += slot->model.expired() ? 0 : 1;
  return count;
}

}  // namespace liveedit::runtime
