// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>

#include "core/diffusion/model.h"
#include "core/diffusion/prompt_encoder.h"

namespace liveedit::diffusion {

// What the streams of one model share.
struct LoadedModel {
  explicit LoadedModel(std::unique_ptr<Model> loaded) : model(std::move(loaded)), prompts(*model) {}

  const std::unique_ptr<const Model> model;
  PromptEncoder prompts;
};

}  // namespace liveedit::diffusion
