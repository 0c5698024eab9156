// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/link/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

[[noreturn]] void fail(const std::string& what) {
  throw streaming::Error(streaming::ErrorKind::kUnavailable, "A file could not be handed over: " + what + ".");
}

}  // namespace

UniqueFd share_file(std::string_view bytes) {
  UniqueFd fd(memfd_create("liveedit-file", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) fail(strerror(errno));
  while (!bytes.empty()) {
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) fail(strerror(errno));
  return fd;
}

std::string read_shared_file(const UniqueFd& fd, size_t most) {
  struct stat about {};
  if (!fd || fstat(fd.get(), &about) != 0) fail("there is no descriptor");
  if (fcntl(fd.get(), F_GET_SEALS) != kSeals) fail("it is not sealed");
  if (static_cast<size_t>(about.st_size) > most) fail("it is too long");
  std::string bytes(static_cast<size_t>(about.st_size), '\0');
  size_t read = 0;
  while (read < bytes.size()) {
    const ssize_t got = pread(fd.get(), bytes.data() + read, bytes.size() - read, static_cast<off_t>(read));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("it cannot be read");
    read += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace liveedit::server
