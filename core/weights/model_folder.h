// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>

#include "core/weights/config.h"

namespace liveedit::weights {

// A model on disk in diffusers layout: model_index.json and one folder a part (unet, vae, text_encoder, tokenizer,
// scheduler).
struct ModelFolder {
  std::filesystem::path path;  // absolute
  std::string asked;           // what the user wrote; empty for the embedded model

  // model_index.json. Throws Error(kBadModel) that says which layout is expected and what was found.
  Config index() const;
};

// Where `model` lies:
//   ""              the embedded model: $LIVEEDIT_DEFAULT_MODEL, else liveedit/models/sketchbook beside the library or
//                   under share/ of the prefix it is installed in, else models/sketchbook of the source tree
//   a folder        absolute, relative, or from ~/
//   org/name[@rev]  looked up, never downloaded, in the folders of $LIVEEDIT_MODELS (separated by ':'), then in the
//   Hugging Face cache
// A name is looked for in $LIVEEDIT_MODELS before it is taken as a relative folder.
// Throws Error: kNotFound with all folders searched; kSettings for a single-file checkpoint; kBadModel for a pickle
// file.
ModelFolder locate_model(const std::string& model);

// The folder of one part: path/part, or, where `folder` is a lone part itself (a config.json and no model_index.json,
// as tiny VAEs are published), the folder. Throws Error(kBadModel) that says what was expected and what was found.
std::filesystem::path locate_part(const ModelFolder& folder, const std::string& part);

}  // namespace liveedit::weights
