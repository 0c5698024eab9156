// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace liveedit::matting {

// Sizes of one stream's frames and of the coarse pictures that the network sees.
struct FrameLayout {
  int height = 0;
  int width = 0;
  double ratio = 1;  // coarse : fine; 1: the network sees the frame itself
  int coarse_height = 0;
  int coarse_width = 0;

  bool refines() const { return ratio != 1; }
  bool operator==(const FrameLayout&) const = default;
};

// The ratio for a frame whose user did not choose one. The network was trained for coarse pictures of 256 to 512
// pixels: frames up to 512 stay as they are, from 1280 on the longer side becomes 480 (0.375 at 720p, 0.25 at 1080p,
// 0.125 at 4K), and in between the longer side falls slowly from 512 to 480.
double choose_ratio(int height, int width);

// `ratio` in (0, 1], or 0 for choose_ratio(). Coarse sizes are rounded down, and at least 1.
FrameLayout lay_out(int height, int width, float ratio);

}  // namespace liveedit::matting
