// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "core/api/frame_view.h"
#include "core/kernels/frame_layout.h"

namespace liveedit::kernels {

// A part of a frame, in pixels.
struct FrameBox {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  bool empty() const { return width <= 0 || height <= 0; }
  bool operator==(const FrameBox& other) const {
    return x == other.x && y == other.y && width == other.width && height == other.height;
  }
};

inline FrameBox whole_of(const FrameView& frame) {
  return {0, 0, frame.width, frame.height};
}

// The part as a frame of its own in the same memory. Precondition: is_packed(frame.format), the box inside.
inline FrameView part_of(const FrameView& frame, const FrameBox& box) {
  FrameView part = frame;
  part.width = box.width;
  part.height = box.height;
  part.planes[0] += static_cast<std::ptrdiff_t>(box.y) * frame.strides[0] +
                    static_cast<std::ptrdiff_t>(box.x) * packed_order(frame.format).pixel_bytes;
  return part;
}

}  // namespace liveedit::kernels
