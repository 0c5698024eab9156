// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/model_registry.h"

#include <chrono>

#include "core/api/error.h"

namespace liveedit::runtime {
namespace {

std::string key_of(const diffusion::ModelSource& source) {
  // A line break cannot be told from the paths' own characters by accident: dtype and device have none.
  return std::string(c10::toString(source.dtype)) + '\n' + source.device.str() + '\n' + source.folder.string() + '\n' +
         source.vae_folder.string();
}

}  // namespace

std::shared_ptr<ModelRegistry::Slot> ModelRegistry::slot_of(const std::string& key) {
  const std::lock_guard lock(mutex_);
  // Slots that nobody holds and whose model is gone have no further use.
  std::erase_if(slots_, [](const auto& item) { return item.second.use_count() == 1 && item.second->model.expired(); });
  std::shared_ptr<Slot>& slot = slots_[key];
  if (!slot) slot = std::make_shared<Slot>();
  return slot;
}

std::shared_ptr<diffusion::LoadedModel> ModelRegistry::get(const diffusion::ModelSource& source,
                                                           const ProgressSink& progress) {
  using namespace std::chrono_literals;
  const std::shared_ptr<Slot> slot = slot_of(key_of(source));
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
  auto loaded = std::make_shared<diffusion::LoadedModel>(diffusion::Model::load(source, progress));
  {
    const std::lock_guard lock(mutex_);
    slot->model = loaded;
  }
  return loaded;
}

std::size_t ModelRegistry::models_in_use() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [key, slot] : slots_) count += slot->model.expired() ? 0 : 1;
  return count;
}

}  // namespace liveedit::runtime
