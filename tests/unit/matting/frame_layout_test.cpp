// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/frame_layout.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace liveedit::matting {
namespace {

TEST(FrameLayout, TheUsualSizesHaveTheirRatios) {
  EXPECT_EQ(choose_ratio(512, 512), 1);
  EXPECT_EQ(choose_ratio(144, 176), 1);
  EXPECT_DOUBLE_EQ(choose_ratio(720, 1280), 0.375);
  EXPECT_DOUBLE_EQ(choose_ratio(1080, 1920), 0.25);
  EXPECT_DOUBLE_EQ(choose_ratio(1920, 1080), 0.25);
  EXPECT_DOUBLE_EQ(choose_ratio(2160, 3840), 0.125);
  const FrameLayout full_hd = lay_out(1080, 1920, 0);
  EXPECT_EQ(full_hd.coarse_height, 270);
  EXPECT_EQ(full_hd.coarse_width, 480);
  EXPECT_TRUE(full_hd.refines());
}

TEST(FrameLayout, TheCoarseSideIsSteadyAndNeverLeaves256To512) {
  double last = choose_ratio(512, 512) * 512;
  for (int side = 513; side <= 16384; ++side) {
    const double coarse = choose_ratio(side / 2, side) * side;
    EXPECT_LE(coarse, 512 + 1e-9) << side;
    EXPECT_GE(coarse, 256) << side;
    EXPECT_LT(std::abs(coarse - last), 1.0) << side;
    last = coarse;
  }
}

TEST(FrameLayout, ChosenRatiosRoundDownToAPixelAtLeast) {
  const FrameLayout half = lay_out(91, 131, 0.5F);
  EXPECT_EQ(half.coarse_height, 45);
  EXPECT_EQ(half.coarse_width, 65);
  const FrameLayout tiny = lay_out(1, 3, 0.1F);
  EXPECT_EQ(tiny.coarse_height, 1);
  EXPECT_EQ(tiny.coarse_width, 1);
  EXPECT_FALSE(lay_out(64, 64, 1).refines());
}

}  // namespace
}  // namespace liveedit::matting
