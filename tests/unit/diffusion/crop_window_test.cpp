// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/crop_window.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace liveedit::diffusion {
namespace {

using kernels::FrameBox;

constexpr int kGrid = 32;
constexpr int kWidth = 1280;
constexpr int kHeight = 720;
constexpr int kLeast = 256;

bool holds(const FrameBox& window, const FrameBox& subject) {
  return window.x <= subject.x && window.y <= subject.y && window.x + window.width >= subject.x + subject.width &&
         window.y + window.height >= subject.y + subject.height;
}

void expect_sound(const FrameBox& window, const FrameBox& subject, int width, int height, int grid) {
  EXPECT_TRUE(holds(window, subject)) << window.x << ' ' << window.y << ' ' << window.width << ' ' << window.height;
  EXPECT_GE(window.x, 0);
  EXPECT_GE(window.y, 0);
  EXPECT_LE(window.x + window.width, width);
  EXPECT_LE(window.y + window.height, height);
  EXPECT_TRUE(window.x % grid == 0 || window.x + window.width == width);
  EXPECT_TRUE(window.y % grid == 0 || window.y + window.height == height);
  EXPECT_TRUE(window.width % grid == 0 || window.width == width);
  EXPECT_TRUE(window.height % grid == 0 || window.height == height);
}

TEST(CropWindow, HoldsTheSubjectWithAMarginInsideTheFrame) {
  std::mt19937 random(5);
  for (int i = 0; i < 2000; ++i) {
    const int width = 1 + static_cast<int>(random() % 2000);
    const int height = 1 + static_cast<int>(random() % 1200);
    const int grid = 8 << random() % 4;
    CropWindow crop;
    for (int frame = 0; frame < 5; ++frame) {
      FrameBox subject;
      subject.width = 1 + static_cast<int>(random() % width);
      subject.height = 1 + static_cast<int>(random() % height);
      subject.x = static_cast<int>(random() % (width - subject.width + 1));
      subject.y = static_cast<int>(random() % (height - subject.height + 1));
      expect_sound(crop.follow(subject, width, height, grid, kLeast), subject, width, height, grid);
    }
  }
}

TEST(CropWindow, IsMuchSmallerThanTheFrameForASmallSubjectAndTheFrameForALargeOne) {
  CropWindow small;
  const FrameBox window = small.follow({600, 300, 150, 220}, kWidth, kHeight, kGrid, kLeast);
  EXPECT_LT(window.width * window.height, kWidth * kHeight / 4);
  EXPECT_GE(window.width, 256);
  CropWindow large;
  EXPECT_EQ(large.follow({100, 50, 900, 650}, kWidth, kHeight, kGrid, kLeast), (FrameBox{0, 0, kWidth, kHeight}));
  CropWindow little;
  EXPECT_EQ(little.follow({10, 10, 20, 20}, 200, 160, kGrid, kLeast), (FrameBox{0, 0, 200, 160}));
}

// Someone who breathes, talks and shakes a little.
TEST(CropWindow, StaysWhereItIsWhileTheSubjectMovesALittle) {
  std::mt19937 random(6);
  CropWindow crop;
  const FrameBox first = crop.follow({500, 200, 200, 300}, kWidth, kHeight, kGrid, kLeast);
  for (int i = 0; i < 500; ++i) {
    const int x = 500 + static_cast<int>(random() % 13) - 6;
    const int y = 200 + static_cast<int>(random() % 13) - 6;
    const FrameBox subject{x, y, 194 + static_cast<int>(random() % 13), 294 + static_cast<int>(random() % 13)};
    EXPECT_EQ(crop.follow(subject, kWidth, kHeight, kGrid, kLeast), first) << i;
  }
}

// Someone who walks through the picture: always inside, never another size, never back, in small steps.
TEST(CropWindow, FollowsAWalkInSmallStepsWithoutGoingBack) {
  CropWindow crop;
  FrameBox last = crop.follow({0, 200, 180, 400}, kWidth, kHeight, kGrid, kLeast);
  int moves = 0;
  for (int x = 1; x <= kWidth - 180; x += 3) {
    const FrameBox subject{x, 200, 180, 400};
    const FrameBox window = crop.follow(subject, kWidth, kHeight, kGrid, kLeast);
    expect_sound(window, subject, kWidth, kHeight, kGrid);
    EXPECT_EQ(window.width, last.width);
    EXPECT_EQ(window.height, last.height);
    EXPECT_EQ(window.y, last.y);
    EXPECT_GE(window.x, last.x);
    EXPECT_LE(window.x - last.x, 2 * kGrid);
    moves += window.x != last.x;
    last = window;
  }
  EXPECT_EQ(last.x + last.width, kWidth);
  EXPECT_LT(moves, 40) << "of 366 frames";
}

TEST(CropWindow, GrowsAtOnceAndShrinksAfterAWhile) {
  CropWindow crop;
  const FrameBox near{400, 200, 300, 350};
  const FrameBox far{500, 300, 100, 150};
  const FrameBox first = crop.follow(far, kWidth, kHeight, kGrid, kLeast);
  const FrameBox grown = crop.follow(near, kWidth, kHeight, kGrid, kLeast);
  EXPECT_GT(grown.width * grown.height, first.width * first.height);
  for (int i = 0; i < 20; ++i) {
    const FrameBox window = crop.follow(far, kWidth, kHeight, kGrid, kLeast);
    EXPECT_EQ(window.width, grown.width);
    EXPECT_EQ(window.height, grown.height);
  }
  crop.follow(near, kWidth, kHeight, kGrid, kLeast);  // came back: the while begins again
  FrameBox window;
  int frames = 0;
  do {
    window = crop.follow(far, kWidth, kHeight, kGrid, kLeast);
    expect_sound(window, far, kWidth, kHeight, kGrid);
  } while (window.width * window.height == grown.width * grown.height && ++frames < 100);
  EXPECT_GT(frames, 20);
  EXPECT_LT(frames, 60);
  EXPECT_EQ(window.width, first.width);
  EXPECT_EQ(window.height, first.height);
}

TEST(CropWindow, AnotherFrameSizeOrAResetBeginsAnew) {
  CropWindow crop;
  crop.follow({100, 100, 500, 300}, kWidth, kHeight, kGrid, kLeast);
  const FrameBox subject{300, 100, 80, 90};
  CropWindow fresh;
  EXPECT_EQ(crop.follow(subject, 1920, 1080, kGrid, kLeast), fresh.follow(subject, 1920, 1080, kGrid, kLeast));
  crop.follow({100, 100, 900, 600}, 1920, 1080, kGrid, kLeast);
  crop.reset();
  fresh.reset();
  EXPECT_EQ(crop.follow(subject, 1920, 1080, kGrid, kLeast), fresh.follow(subject, 1920, 1080, kGrid, kLeast));
}

TEST(CropWindow, NoSideIsShorterThanTheLeastButForTheFrames) {
  for (const int least : {128, 192, 256}) {
    CropWindow crop;
    const FrameBox window = crop.follow({600, 300, 20, 30}, kWidth, kHeight, kGrid, least);
    EXPECT_EQ(window.width, least);
    EXPECT_EQ(window.height, least);
  }
}

TEST(Enlarged, ASmallWindowGrowsToTheSizeOfTheModel) {
  EXPECT_EQ(enlarged({128, 128}, {1920, 1080}, 512, 64), (PictureSize{512, 512}));
  EXPECT_EQ(enlarged({192, 128}, {1920, 1080}, 384, 32), (PictureSize{384, 256}));
  EXPECT_EQ(enlarged({512, 320}, {1920, 1080}, 512, 64), (PictureSize{512, 320})) << "is large enough";
  EXPECT_EQ(enlarged({640, 320}, {1920, 1080}, 512, 64), (PictureSize{640, 320})) << "is never made smaller";
}

TEST(Enlarged, StaysLessWorkThanTheFrame) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const int grid = 8 << random() % 4;
    const PictureSize frame{grid * (10 + static_cast<int>(random() % 60)),
                            grid * (10 + static_cast<int>(random() % 60))};
    const PictureSize window{grid * (1 + static_cast<int>(random() % (frame.width / grid / 2))),
                             grid * (1 + static_cast<int>(random() % (frame.height / grid / 2)))};
    const PictureSize made = enlarged(window, frame, 512, grid);
    EXPECT_EQ(made.width % grid, 0);
    EXPECT_EQ(made.height % grid, 0);
    EXPECT_GE(made.width, window.width);
    EXPECT_GE(made.height, window.height);
    EXPECT_LE(std::max(made.width, made.height), std::max({512 + grid / 2, window.width, window.height}));
    // Rounding to the grid may add half a step to each side.
    const double most = 0.6 * frame.width * frame.height;
    EXPECT_LE((made.width - grid / 2.0) * (made.height - grid / 2.0),
              std::max(most, 1.0 * window.width * window.height));
  }
}

}  // namespace
}  // namespace liveedit::diffusion
