// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/api/progress.h"
#include "core/diffusion/loaded_model.h"
#include "core/diffusion/model.h"

namespace liveedit::runtime {

// The models that streams of this process use, each once: weights are shared by all streams with the same folder, VAE,
// dtype and device, and freed with the last of them. Any thread.
class ModelRegistry {
 public:
  // The model, loaded or shared. Two calls at once load once: the second waits and tells `progress` so. What loading
  // throws is thrown to the caller that loads; a waiting caller then tries itself. Nothing stays behind.
  std::shared_ptr<diffusion::LoadedModel> get(const diffusion::ModelSource& source, const ProgressSink& progress);

  std::size_t models_in_use() const;

 private:
  struct Slot {
    std::timed_mutex loading;
    std::weak_ptr<diffusion::LoadedModel> model;
  };

  std::shared_ptr<Slot> slot_of(const std::string& key);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace liveedit::runtime
