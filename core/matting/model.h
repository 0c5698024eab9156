// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/api/progress.h"
#include "core/networks/rvm/rvm.h"

namespace liveedit::matting {

// The weights of a matting network, shared by the streams of a process.
struct Model {
  std::filesystem::path file;
  networks::rvm::Rvm network;
  std::uint64_t bytes = 0;  // of the file's tensors in the network's dtype
};

// Throws Error: what Rvm and Checkpoint throw, and kUnavailable where `progress` asks to stop.
std::shared_ptr<Model> load_model(const std::filesystem::path& file, const networks::rvm::Target& target,
                                  const ProgressSink& progress);

// The safetensors file: `model` is a file or a folder with one; empty: the usual places (core/weights/model_places.h).
// Throws Error(kNotFound) with the places searched and the commands that get the weights.
std::filesystem::path locate_weights(const std::string& model);

}  // namespace liveedit::matting
