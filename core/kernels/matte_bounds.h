// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/kernels/frame_box.h"
#include "core/kernels/frame_convert.h"

namespace liveedit::kernels {

// Up to this weight of 255 an edit is nothing to see; a matte network leaves as much where there is nobody.
inline constexpr int kFaintWeight = 8;

// Far from anybody a matte network leaves a few pixels up to it, here and there and for a frame: they are no person.
inline constexpr int kGhostWeight = 40;

// The smallest box around all pixels whose edit `blend` gives a weight above `least`, of 255; empty where there is
// none. Precondition: a format with alpha, and a blend that reads it.
FrameBox matte_bounds_cpu(const FrameView& frame, Blend blend, int least = kFaintWeight);

// The same in device memory, in order on `stream`: `reach` (device memory, zeros before) becomes how far the box
// reaches from the frame's right edge to the left, from the bottom to the top, from the left to the right, from the top
// to the bottom.
void matte_bounds_cuda(const FrameView& frame, Blend blend, int least, std::int32_t reach[4], void* stream);

inline FrameBox box_of_reach(const FrameView& frame, const std::int32_t reach[4]) {
  if (reach[0] == 0) return {};
  const int left = frame.width - reach[0];
  const int top = frame.height - reach[1];
  return {left, top, reach[2] - left, reach[3] - top};
}

}  // namespace liveedit::kernels
