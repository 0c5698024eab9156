// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/model_folder.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/api/error.h"
#include "core/weights/hugging_face_cache.h"
#include "core/weights/model_places.h"
#include "core/weights/pickle.h"

namespace liveedit::weights {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDefaultModel = "sketchbook";
constexpr const char* kIndexName = "model_index.json";
constexpr std::size_t kNamesShown = 12;

bool is_folder(const fs::path& path) {
  std::error_code none;
  return fs::is_directory(path, none);
}

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

// What lies in the folder, for a message.
std::string content_of(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    names.push_back(entry.path().filename().string() + (entry.is_directory(none) ? "/" : ""));
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown) text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text.empty() ? "nothing" : text;
}

ModelFolder default_model() {
  std::vector<fs::path> searched;
  if (const char* chosen = std::getenv("LIVEEDIT_DEFAULT_MODEL"); chosen != nullptr && *chosen != '\0') {
    searched.push_back(fs::absolute(expand_home(chosen)));
  } else {
    for (const fs::path& folder : installed_model_folders()) searched.push_back(folder / kDefaultModel);
  }
  for (const fs::path& folder : searched) {
    if (is_file(folder / kIndexName)) return {folder, ""};
  }
  throw Error(ErrorKind::kNotFound, "The embedded model is not installed; looked for " + std::string(kIndexName) +
                                        " in " + joined_paths(searched) +
                                        ". Install gst-liveedit whole, or name a model by the model property.");
}

// A name, and not a path that says where it starts.
bool is_name(const std::string& model) {
  return HuggingFaceId::parse(model).has_value();
}

void refuse_single_file(const fs::path& path) {
  if (!is_file(path)) return;
  refuse_pickle(path);
  throw Error(ErrorKind::kSettings,
              path.string() +
                  " is a file, and models are read from folders in diffusers layout: single-file checkpoints are not "
                  "read yet. Convert it in Python: diffusers.StableDiffusionPipeline.from_single_file(\"" +
                  path.filename().string() + "\").save_pretrained(\"folder\"), then give that folder.");
}

[[noreturn]] void refuse_missing(const std::string& model, const std::vector<fs::path>& searched) {
  std::string text = "No model '" + model + "'; looked in " + joined_paths(searched) + ".";
  if (const auto id = HuggingFaceId::parse(model); id && id->repository.find('/') != std::string::npos) {
    text += " To download it: hf download " + id->repository;
    if (!id->revision.empty()) text += " --revision " + id->revision;
  } else {
    text += " Give a model's folder, or the Hugging Face id of a model that was downloaded (org/name)";
  }
  throw Error(ErrorKind::kNotFound, text + ".");
}

}  // namespace

Config ModelFolder::index() const {
  if (is_file(path / kIndexName)) return Config::load(path / kIndexName);
  throw Error(ErrorKind::kBadModel, path.string() + " is not a model in diffusers layout: expected " + kIndexName +
                                        " and the folders unet, vae, text_encoder, tokenizer and scheduler, found " +
                                        content_of(path) + ".");
}

ModelFolder locate_model(const std::string& model) {
  if (model.empty()) return default_model();
  std::vector<fs::path> searched;
  if (is_name(model)) {
    for (const fs::path& folder : chosen_model_folders()) {
      searched.push_back(fs::absolute(folder / model));
      if (is_folder(searched.back())) return {searched.back(), model};
    }
  }
  const fs::path as_path = fs::absolute(expand_home(model)).lexically_normal();
  searched.push_back(as_path);
  if (is_folder(as_path)) return {as_path, model};
  refuse_single_file(as_path);
  if (const auto id = HuggingFaceId::parse(model)) {
    if (const auto snapshot = find_in_hugging_face_cache(*id, searched)) return {fs::absolute(*snapshot), model};
  }
  refuse_missing(model, searched);
}

fs::path locate_part(const ModelFolder& folder, const std::string& part) {
  if (is_folder(folder.path / part)) return folder.path / part;
  const bool is_model = is_file(folder.path / kIndexName);
  if (!is_model && is_file(folder.path / "config.json")) return folder.path;
  throw Error(ErrorKind::kBadModel,
              folder.path.string() + " has no folder '" + part + "'" +
                  (is_model ? ", which a model in diffusers layout has; the download may not be complete"
                            : " and is not a lone " + part + " either (no config.json)") +
                  ". Found " + content_of(folder.path) + ".");
}

}  // namespace liveedit::weights
