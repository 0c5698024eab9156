// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/frame_layout.h"

#include <algorithm>

namespace liveedit::matting {
namespace {

constexpr double kLargestWhole = 512;  // frames up to this are not reduced
constexpr double kUsualSide = 480;     // of large frames
constexpr double kLargeFrame = 1280;

}  // namespace

double choose_ratio(int height, int width) {
  const double side = std::max(height, width);
  if (side <= kLargestWhole) return 1;
  const double way = std::min(1.0, (side - kLargestWhole) / (kLargeFrame - kLargestWhole));
  return (kLargestWhole + way * (kUsualSide - kLargestWhole)) / side;
}

FrameLayout lay_out(int height, int width, float ratio) {
  FrameLayout layout;
  layout.height = height;
  layout.width = width;
  layout.ratio = ratio == 0 ? choose_ratio(height, width) : static_cast<double>(ratio);
  // 1080 * (480 / 1920) may come out as 269.999...
  const auto scaled = [&](int size) { return std::max(1, static_cast<int>(size * layout.ratio + 1e-6)); };
  layout.coarse_height = scaled(height);
  layout.coarse_width = scaled(width);
  return layout;
}

}  // namespace liveedit::matting
