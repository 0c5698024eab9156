// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/weights/safetensors.h"

namespace liveedit::test {

inline std::filesystem::path golden_folder(const std::string& name) {
  return std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden" / name;
}

inline nlohmann::json read_json(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file.string() + " is missing; CTest makes it with the golden fixture.");
  return nlohmann::json::parse(in);
}

// All fp32 tensors of a file.
inline std::map<std::string, at::Tensor> read_tensors(const std::filesystem::path& path) {
  const weights::SafetensorsFile file = weights::SafetensorsFile::open(path);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : file.tensors()) {
    if (entry.dtype != weights::TensorDtype::kF32) throw std::runtime_error(name + " is not fp32");
    at::Tensor tensor = at::empty(entry.shape, at::kFloat);
    file.read(entry, {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0;
  return (a - b).abs().max().item<double>();
}

}  // namespace liveedit::test
