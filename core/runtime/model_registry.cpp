// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/model_registry.h"

namespace liveedit::runtime {
namespace {

std::string key_of(const diffusion::ModelSource& source) {
  // A line break cannot be told from the paths' own characters by accident: dtype and device have none.
  return std::string(c10::toString(source.dtype)) + '\n' + source.device.str() + '\n' + source.folder.string() + '\n' +
         source.vae_folder.string();
}

}  // namespace

std::shared_ptr<diffusion::LoadedModel> ModelRegistry::get(const diffusion::ModelSource& source,
                                                           const ProgressSink& progress) {
  return models_.get<diffusion::LoadedModel>(
      key_of(source),
      [&] { return std::make_shared<diffusion::LoadedModel>(diffusion::Model::load(source, progress)); }, progress);
}

}  // namespace liveedit::runtime
