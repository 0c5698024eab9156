// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/link/frame_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

size_t slot_bytes(uint32_t width, uint32_t height) {
  return static_cast<size_t>(width) * height * kPixelBytes;
}

[[noreturn]] void fail(const std::string& what) {
  throw streaming::Error(streaming::ErrorKind::kUnavailable, "No memory for frames: " + what + ".");
}

}  // namespace

FrameMemory::FrameMemory(UniqueFd fd, uint32_t width, uint32_t height, uint32_t slots)
    : fd_(std::move(fd)), width_(width), height_(height), slots_(slots), slot_bytes_(slot_bytes(width, height)) {
  void* at = mmap(nullptr, 2 * slots * slot_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (at == MAP_FAILED) fail(strerror(errno));
  at_ = static_cast<uint8_t*>(at);
}

FrameMemory::~FrameMemory() {
  munmap(at_, 2 * slots_ * slot_bytes_);
}

std::shared_ptr<FrameMemory> FrameMemory::create(uint32_t width, uint32_t height, uint32_t slots) {
  UniqueFd fd(memfd_create("liveedit-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const auto size = static_cast<off_t>(2 * slots * slot_bytes(width, height));
  // Sealed, so that neither side can take it from under the other.
  if (!fd || ftruncate(fd.get(), size) != 0 || fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) fail(strerror(errno));
  return std::shared_ptr<FrameMemory>(new FrameMemory(std::move(fd), width, height, slots));
}

std::shared_ptr<FrameMemory> FrameMemory::attach(UniqueFd fd, uint32_t width, uint32_t height, uint32_t slots) {
  struct stat about {};
  if (!fd || fstat(fd.get(), &about) != 0) fail("there is no descriptor");
  if (fcntl(fd.get(), F_GET_SEALS) != kSeals) fail("it is not sealed");
  if (slots == 0 || width == 0 || height == 0 || width > 16384 || height > 16384 || slots > 64 ||
      static_cast<size_t>(about.st_size) < 2 * slots * slot_bytes(width, height))
    fail("its size is not the one told");
  return std::shared_ptr<FrameMemory>(new FrameMemory(std::move(fd), width, height, slots));
}

UniqueFd FrameMemory::share() const {
  return UniqueFd(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
}

}  // namespace liveedit::server
