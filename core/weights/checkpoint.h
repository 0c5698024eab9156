// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/weights/safetensors.h"

namespace liveedit::weights {

// All tensors of one network: one safetensors file, or the shards that an index.json names.
class Checkpoint {
 public:
  // `path` is a .safetensors file, an index.json, or a folder. In a folder, looks for
  // <stem>.safetensors, its .index.json, then the same of the fp16 variant, with stem diffusion_pytorch_model and then
  // model. Pickle files (.bin, .pt, .ckpt, .pth) are refused with advice.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path);

  struct Found {
    const SafetensorsFile* file = nullptr;
    const TensorEntry* entry = nullptr;
  };
  // entry == nullptr where there is none.
  Found find(const std::string& name) const;
  std::vector<std::string> names() const;
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t bytes() const;  // of tensor data, all shards

 private:
  void open_shards();  // of the index at path_

  std::filesystem::path path_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> file_of_;
};

}  // namespace liveedit::weights
