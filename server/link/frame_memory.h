// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures of one session, in memory that the edge and a worker share. Slot n holds the picture of one frame on its way
// in and, beside it, the edited one on its way out. Whose turn a slot is follows from the messages: kFrame gives it to
// the worker, kPicture or kLost gives it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/link/unique_fd.h"

namespace liveedit::server {

// Pixels are RGBx, four bytes each, rows without gaps.
constexpr uint32_t kPixelBytes = 4;

class FrameMemory {
 public:
  // For pictures of up to width x height. Throws Error (kUnavailable).
  static std::shared_ptr<FrameMemory> create(uint32_t width, uint32_t height, uint32_t slots);
  // The same memory in another process. Throws Error (kUnavailable) where `fd` is no such memory, or smaller.
  static std::shared_ptr<FrameMemory> attach(UniqueFd fd, uint32_t width, uint32_t height, uint32_t slots);
  ~FrameMemory();
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;

  uint32_t slots() const { return slots_; }
  // Precondition of both: slot < slots().
  uint8_t* in(uint32_t slot) const { return at_ + slot_bytes_ * slot; }
  uint8_t* out(uint32_t slot) const { return at_ + slot_bytes_ * (slots_ + slot); }
  bool fits(uint32_t slot, uint32_t width, uint32_t height) const {
    return slot < slots_ && width > 0 && height > 0 && width <= width_ && height <= height_;
  }
  // A descriptor to send.
  UniqueFd share() const;

 private:
  FrameMemory(UniqueFd fd, uint32_t width, uint32_t height, uint32_t slots);

  const UniqueFd fd_;
  const uint32_t width_, height_, slots_;
  const size_t slot_bytes_;
  uint8_t* at_ = nullptr;
};

}  // namespace liveedit::server
