// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/checkpoint.h"

#include <array>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/bounded_file.h"
#include "core/weights/bounded_json.h"
#include "core/weights/pickle.h"

namespace liveedit::weights {

namespace {

constexpr std::uint64_t kLargestIndex = 100'000'000;
constexpr std::array<const char*, 2> kStems{"diffusion_pytorch_model", "model"};
// diffusers writes the variant before the ending of a lone file (x.fp16.safetensors) and of an index
// (x.safetensors.index.fp16.json).
constexpr std::array<const char*, 4> kEndings{".safetensors", ".safetensors.index.json", ".fp16.safetensors",
                                              ".safetensors.index.fp16.json"};

bool is_index(const std::filesystem::path& path) {
  return path.extension() == ".json";
}

std::filesystem::path weights_in_folder(const std::filesystem::path& folder) {
  std::string looked_for;
  for (const char* stem : kStems) {
    for (const char* ending : kEndings) {
      const std::string name = std::string(stem) + ending;
      std::error_code none;
      if (std::filesystem::is_regular_file(folder / name, none)) return folder / name;
      looked_for += (looked_for.empty() ? "" : ", ") + name;
    }
  }
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) refuse_pickle(entry.path());
  throw Error(ErrorKind::kNotFound, "No weights in " + folder.string() + "; looked for " + looked_for + ".");
}

// tensor name -> shard name, from the index's weight_map. Shards lie beside the index: a name that leads elsewhere is
// refused.
std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index) {
  const nlohmann::json json = parse_json_object(read_text_file(index, kLargestIndex), index);
  const auto found = json.find("weight_map");
  if (found == json.end() || !found->is_object() || found->empty()) {
    throw Error(ErrorKind::kBadModel, index.string() + " has no weight_map that names its tensors' files.");
  }
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : found->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    const bool plain = name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos && !name.starts_with('.');
    if (name.empty() || !plain || !name.ends_with(".safetensors")) {
      throw Error(ErrorKind::kBadModel, index.string() + ": weight_map of '" + tensor + "' is '" + name +
                                            "', expected the plain name of a .safetensors file beside the index.");
    }
    shard_of[tensor] = name;
  }
  return shard_of;
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  refuse_pickle(path);
  std::error_code none;
  if (!std::filesystem::exists(path, none)) {
    throw Error(ErrorKind::kNotFound, "There are no weights at " + path.string() + ": no such file or folder.");
  }
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->path_ = std::filesystem::is_directory(path, none) ? weights_in_folder(path) : path;
  if (is_index(checkpoint->path_)) {
    checkpoint->open_shards();
  } else {
    checkpoint->files_.push_back(SafetensorsFile::open(checkpoint->path_));
    for (const auto& [name, entry] : checkpoint->files_.front().tensors()) checkpoint->file_of_[name] = 0;
  }
  return checkpoint;
}

void Checkpoint::open_shards() {
  const std::map<std::string, std::string> shard_of = read_weight_map(path_);
  std::map<std::string, std::size_t> number_of;
  for (const auto& [tensor, shard] : shard_of) {
    const auto [place, is_new] = number_of.emplace(shard, files_.size());
    if (is_new) {
      const std::filesystem::path file = path_.parent_path() / shard;
      std::error_code none;
      if (!std::filesystem::exists(file, none)) {
        throw Error(ErrorKind::kNotFound, file.string() + " is missing, which " + path_.filename().string() +
                                              " names: the model is not complete, download it again.");
      }
      files_.push_back(SafetensorsFile::open(file));
    }
    const SafetensorsFile& file = files_[place->second];
    if (file.tensors().count(tensor) == 0) {
      throw Error(ErrorKind::kBadModel,
                  file.path().string() + " has no tensor '" + tensor + "', though " + path_.string() + " says so.");
    }
    file_of_[tensor] = place->second;
  }
}

Checkpoint::Found Checkpoint::find(const std::string& name) const {
  const auto found = file_of_.find(name);
  if (found == file_of_.end()) return {};
  const SafetensorsFile& file = files_[found->second];
  return {&file, &file.tensors().at(name)};
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : file_of_) names.push_back(name);
  return names;
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, number] : file_of_) {
    const TensorEntry& entry = files_[number].tensors().at(name);
    bytes += entry.end - entry.begin;
  }
  return bytes;
}

}  // namespace liveedit::weights
