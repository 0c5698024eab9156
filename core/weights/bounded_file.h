// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace liveedit::weights {

// A regular file held open for reading. Its size is the one at open(); a file that shrinks later gives an Error, never
// SIGBUS, because nothing of it is mapped.
class BoundedFile {
 public:
  // Throws Error kNotFound where there is none or it may not be read, kBadModel where it is not a regular file.
  explicit BoundedFile(const std::filesystem::path& path);
  ~BoundedFile();
  BoundedFile(const BoundedFile&) = delete;
  BoundedFile& operator=(const BoundedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  // Fills `to` from byte `offset` on. Throws Error(kBadModel) if the file ends before or cannot be read. Any thread.
  void read(std::uint64_t offset, std::span<std::byte> to) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// The whole file as text. Throws as BoundedFile does, and kBadModel if it has more than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit);

}  // namespace liveedit::weights
