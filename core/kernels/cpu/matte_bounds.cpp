// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/matte_bounds.h"

#include <algorithm>

#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {
namespace {

template <Blend kBlend>
bool any_seen(const std::uint8_t* pixels, int width, int least) {
  int seen = 0;
  for (int x = 0; x < width; ++x) seen |= edit_weight(kBlend, pixels[4 * x + 3]) > least;
  return seen != 0;
}

template <Blend kBlend>
FrameBox bounds(const FrameView& frame, int least) {
  int left = frame.width;
  int right = 0;
  int top = frame.height;
  int bottom = 0;
  for (int y = 0; y < frame.height; ++y) {
    const std::uint8_t* pixels = frame.planes[0] + static_cast<std::ptrdiff_t>(y) * frame.strides[0];
    if (!any_seen<kBlend>(pixels, frame.width, least)) continue;
    top = std::min(top, y);
    bottom = y + 1;
    const auto seen = [&](int x) { return edit_weight(kBlend, pixels[4 * x + 3]) > least; };
    for (int x = 0; x < left; ++x) {
      if (seen(x)) left = x;
    }
    for (int x = frame.width; x > right; --x) {
      if (seen(x - 1)) right = x;
    }
  }
  if (right == 0) return {};
  return {left, top, right - left, bottom - top};
}

}  // namespace

FrameBox matte_bounds_cpu(const FrameView& frame, Blend blend, int least) {
  return blend == Blend::kByInverseAlpha ? bounds<Blend::kByInverseAlpha>(frame, least)
                                         : bounds<Blend::kByAlpha>(frame, least);
}

}  // namespace liveedit::kernels
