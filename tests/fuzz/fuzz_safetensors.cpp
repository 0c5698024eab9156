// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a .safetensors file: refused with Error, or every tensor can be read whole.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/api/error.h"
#include "core/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using liveedit::weights::SafetensorsFile;
  try {
    const SafetensorsFile file = SafetensorsFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
    std::uint64_t covered = 0;
    for (const auto& [name, entry] : file.tensors()) {
      std::vector<std::byte> bytes(entry.end - entry.begin);
      file.read(entry, bytes);
      covered += bytes.size();
    }
    if (covered > size) std::abort();
  } catch (const liveedit::Error&) {
    return 0;
  }
  return 0;
}
