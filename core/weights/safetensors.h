// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace liveedit::weights {

class BoundedFile;

enum class TensorDtype { kF64, kF32, kF16, kBf16, kF8E4m3, kF8E5m2, kI64, kI32, kI16, kI8, kU8, kBool };

const char* dtype_name(TensorDtype dtype);     // as the format spells it: F32, F8_E4M3 ...
std::uint64_t dtype_bytes(TensorDtype dtype);  // of one element

struct TensorEntry {
  TensorDtype dtype = TensorDtype::kF32;
  std::vector<std::int64_t> shape;  // empty: a scalar
  std::uint64_t begin = 0;          // bytes from the start of the data section
  std::uint64_t end = 0;
};

// One .safetensors file (https://huggingface.co/docs/safetensors): 8 bytes of little-endian header length, a JSON
// header, the data. Read strictly: lengths, overflow, overlaps, holes, duplicate keys and unknown dtypes are refused
// with Error(kBadModel) that names the file and the tensor. The file stays open while the object lives and is read on
// demand, not mapped: every tensor is copied once while a model loads, so a mapping would save nothing, and a mapped
// file that somebody truncates kills the process with SIGBUS where read() throws.
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::filesystem::path& file);
  // The same checks on bytes in memory (the fuzz target's door); `bytes` must outlive the object.
  static SafetensorsFile parse(std::span<const std::byte> bytes, const std::filesystem::path& named);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Copies the tensor's bytes; `to` has entry.end - entry.begin of them. Throws Error(kBadModel) where the file cannot
  // be read any more.
  void read(const TensorEntry& entry, std::span<std::byte> to) const;

 private:
  SafetensorsFile() = default;
  void take_header(const std::string& header, std::uint64_t data_bytes);

  std::filesystem::path path_;
  std::shared_ptr<const BoundedFile> file_;  // of open()
  std::span<const std::byte> bytes_;         // of parse()
  std::uint64_t data_start_ = 0;             // in the file or in bytes_
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace liveedit::weights
