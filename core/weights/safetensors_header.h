// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/weights/safetensors.h"

namespace liveedit::weights {

struct SafetensorsHeader {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// Reads the JSON header and proves that its tensors cover `data_bytes` bytes without overlap, hole or overflow.
// Throws Error(kBadModel).
SafetensorsHeader read_safetensors_header(const std::string& json, std::uint64_t data_bytes,
                                          const std::filesystem::path& named);

}  // namespace liveedit::weights
