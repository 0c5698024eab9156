// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/kernels/frame_box.h"
#include "core/kernels/frame_convert.h"

namespace liveedit::kernels {

// Up to this weight of 255 an edit is nothing to see; a matte network leaves as much where there is nobody.
inline constexpr int kFaintWeight = 8;

// The smallest box around all pixels whose edit `blend` gives a weight that can be seen; empty where there is none.
// Precondition: a format with alpha, and a blend that reads it.
FrameBox matte_bounds_cpu(const FrameView& frame, Blend blend);

// The same in device memory, in order on `stream`: `reach` (device memory, zeros before) becomes how far the box
// reaches from the frame's right edge to the left, from the bottom to the top, from the left to the right, from the top
// to the bottom.
void matte_bounds_cuda(const FrameView& frame, Blend blend, std::int32_t reach[4], void* stream);

inline FrameBox box_of_reach(const FrameView& frame, const std::int32_t reach[4]) {
  if (reach[0] == 0) return {};
  const int left = frame.width - reach[0];
  const int top = frame.height - reach[1];
  return {left, top, reach[2] - left, reach[3] - top};
}

}  // namespace liveedit::kernels
