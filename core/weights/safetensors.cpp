// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/safetensors.h"

#include <algorithm>
#include <array>

#include "core/api/error.h"
#include "core/weights/bounded_file.h"
#include "core/weights/safetensors_header.h"

namespace liveedit::weights {

namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;

// The header's length from the file's first eight bytes, proven to lie inside a file of `size` bytes.
std::uint64_t header_length(std::span<const std::byte, kLengthBytes> bytes, std::uint64_t size,
                            const std::filesystem::path& named) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > kLargestHeader || length > size - kLengthBytes) {
    throw Error(ErrorKind::kBadModel, named.string() + " is not a valid safetensors file: its header claims " +
                                          std::to_string(length) + " bytes (file: " + std::to_string(size) + ").");
  }
  return length;
}

void refuse_tiny(std::uint64_t size, const std::filesystem::path& named) {
  if (size >= kLengthBytes) return;
  throw Error(ErrorKind::kBadModel,
              named.string() + " is not a safetensors file: it has only " + std::to_string(size) + " bytes.");
}

}  // namespace

void SafetensorsFile::take_header(const std::string& header, std::uint64_t data_bytes) {
  SafetensorsHeader read = read_safetensors_header(header, data_bytes, path_);
  tensors_ = std::move(read.tensors);
  metadata_ = std::move(read.metadata);
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.path_ = path;
  file.file_ = std::make_shared<const BoundedFile>(path);
  const std::uint64_t size = file.file_->size();
  refuse_tiny(size, path);
  std::array<std::byte, kLengthBytes> start{};
  file.file_->read(0, start);
  std::string header(header_length(start, size, path), '\0');
  file.file_->read(kLengthBytes, std::as_writable_bytes(std::span(header)));
  file.data_start_ = kLengthBytes + header.size();
  file.take_header(header, size - file.data_start_);
  return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, const std::filesystem::path& named) {
  SafetensorsFile file;
  file.path_ = named;
  file.bytes_ = bytes;
  refuse_tiny(bytes.size(), named);
  const std::uint64_t length = header_length(bytes.first<kLengthBytes>(), bytes.size(), named);
  file.data_start_ = kLengthBytes + length;
  const std::string header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  file.take_header(header, bytes.size() - file.data_start_);
  return file;
}

void SafetensorsFile::read(const TensorEntry& entry, std::span<std::byte> to) const {
  if (to.size() != entry.end - entry.begin) {
    throw Error(ErrorKind::kBadModel, path_.string() + ": a tensor of " + std::to_string(entry.end - entry.begin) +
                                          " bytes was asked for as " + std::to_string(to.size()) + ".");
  }
  if (file_) {
    file_->read(data_start_ + entry.begin, to);
  } else {
    const auto from = bytes_.subspan(data_start_ + entry.begin, to.size());
    std::copy(from.begin(), from.end(), to.begin());
  }
}

}  // namespace liveedit::weights
