// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/bounded_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/api/error.h"

namespace liveedit::weights {

namespace {

// The kernel reads at most about 2 GB a call.
constexpr std::size_t kLargestRead = std::size_t{1} << 30;

}  // namespace

BoundedFile::BoundedFile(const std::filesystem::path& path) : path_(path) {
  // O_NONBLOCK: a named pipe must not hold us here before we can see what it is.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    const std::string reason = std::strerror(errno);
    throw Error(ErrorKind::kNotFound, "Cannot open " + path.string() + ": " + reason + ".");
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error(ErrorKind::kBadModel, path.string() + " is not a regular file.");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

BoundedFile::~BoundedFile() {
  ::close(descriptor_);
}

void BoundedFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t count =
        ::pread(descriptor_, to.data(), std::min(to.size(), kLargestRead), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const std::string reason = std::strerror(errno);
      throw Error(ErrorKind::kBadModel, "Cannot read " + path_.string() + ": " + reason + ".");
    }
    if (count == 0) {
      throw Error(ErrorKind::kBadModel, path_.string() + " ends at byte " + std::to_string(offset) +
                                            ": it became shorter while it was read; download or copy it again.");
    }
    offset += static_cast<std::uint64_t>(count);
    to = to.subspan(static_cast<std::size_t>(count));
  }
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  const BoundedFile file(path);
  if (file.size() > limit) {
    throw Error(ErrorKind::kBadModel, path.string() + " has " + std::to_string(file.size()) + " bytes; at most " +
                                          std::to_string(limit) + " are expected of such a file.");
  }
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace liveedit::weights
