// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "core/api/progress.h"
#include "core/diffusion/loaded_model.h"
#include "core/diffusion/model.h"
#include "core/runtime/shared_models.h"

namespace liveedit::runtime {

// The diffusion models that streams of this process use: weights are shared by all streams with the same folder, VAE,
// dtype and device. Any thread.
class ModelRegistry {
 public:
  // As SharedModels::get().
  std::shared_ptr<diffusion::LoadedModel> get(const diffusion::ModelSource& source, const ProgressSink& progress);

  std::size_t models_in_use() const { return models_.in_use(); }

 private:
  SharedModels models_;
};

}  // namespace liveedit::runtime
