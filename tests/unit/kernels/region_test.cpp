// SPDX-License-Identifier: LGPL-2.1-or-later
// Edits laid over the original by its alpha, and where there is anything to edit.
#include <gtest/gtest.h>

#include <cmath>

#include "core/kernels/frame_convert.h"
#include "core/kernels/matte_bounds.h"
#include "core/kernels/pixel_math.h"
#include "tests/unit/kernels/frame_fixture.h"

namespace liveedit::kernels {
namespace {

using test::kAllElements;
using test::OwnedFrame;
using test::OwnedPicture;

constexpr PixelFormat kWithAlpha[] = {PixelFormat::kRgba, PixelFormat::kBgra};
constexpr Blend kBlends[] = {Blend::kByAlpha, Blend::kByInverseAlpha};

std::uint8_t& alpha_of(OwnedFrame& frame, int x, int y) {
  return frame.view().planes[0][y * frame.view().strides[0] + 4 * x + 3];
}

TEST(BlendByte, IsTheRoundedMixAndExactAtBothEnds) {
  for (int edited = 0; edited < 256; edited += 5) {
    for (int original = 0; original < 256; original += 3) {
      for (int weight = 0; weight < 256; ++weight) {
        const double mixed = (edited * weight + original * (255 - weight)) / 255.0;
        const int got = blend_byte(static_cast<std::uint8_t>(edited), static_cast<std::uint8_t>(original), weight);
        ASSERT_LE(std::abs(got - mixed), 0.5 + 1e-9) << edited << ' ' << original << ' ' << weight;
      }
      ASSERT_EQ(blend_byte(static_cast<std::uint8_t>(edited), static_cast<std::uint8_t>(original), 0), original);
      ASSERT_EQ(blend_byte(static_cast<std::uint8_t>(edited), static_cast<std::uint8_t>(original), 255), edited);
    }
  }
}

// Odd sizes, with a quarter of the pixels at each end of the matte.
TEST(Region, EditsByTheMatteAndLeavesTheRestBitForBit) {
  for (const PixelFormat format : kWithAlpha) {
    for (const Element element : kAllElements) {
      for (const auto& [width, height] : {std::pair{1, 1}, {3, 5}, {67, 33}}) {
        OwnedFrame original(format, width, height, 0);
        original.fill_random(11);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            if ((x + y) % 4 == 0) alpha_of(original, x, y) = 0;
            if ((x + y) % 4 == 1) alpha_of(original, x, y) = 255;
          }
        }
        OwnedPicture picture(element, height + 2, width + 3);
        picture.fill_random(12, -1.2, 1.2);
        OwnedFrame edited(format, width, height, 0x5a);
        picture_to_frame_cpu(picture.tensor(), original.view(), edited.view());
        for (const Blend blend : kBlends) {
          OwnedFrame blended(format, width, height, 0x5a);
          picture_to_frame_cpu(picture.tensor(), original.view(), blended.view(), blend);
          OwnedFrame copied(format, width, height, 0x5a);
          copy_frame_keep_alpha_cpu(edited.view(), original.view(), copied.view(), blend);
          EXPECT_TRUE(blended.same_picture(copied)) << "the way that pictures from a GPU take";
          EXPECT_TRUE(blended.guards_are_intact() && copied.guards_are_intact());
          for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
              const std::uint8_t alpha = original.at(0, y, 4 * x + 3);
              ASSERT_EQ(blended.at(0, y, 4 * x + 3), alpha);
              const int weight = blend == Blend::kByAlpha ? alpha : 255 - alpha;
              for (int c = 0; c < 3; ++c) {
                const int from = original.at(0, y, 4 * x + c);
                const int to = edited.at(0, y, 4 * x + c);
                ASSERT_LE(std::abs(blended.at(0, y, 4 * x + c) - (to * weight + from * (255 - weight)) / 255.0), 0.501);
                if (weight == 0) {
                  ASSERT_EQ(blended.at(0, y, 4 * x + c), from);
                }
              }
            }
          }
        }
      }
    }
  }
}

TEST(MatteBounds, AreTheSmallestBoxAroundWhatCanBeSeen) {
  for (const Blend blend : kBlends) {
    for (const auto& [width, height] : {std::pair{1, 1}, {5, 3}, {70, 41}}) {
      for (const FrameBox& wanted :
           {FrameBox{}, FrameBox{0, 0, 1, 1}, FrameBox{width - 1, height - 1, 1, 1}, FrameBox{0, 0, width, height},
            FrameBox{width / 3, height / 4, width / 2, height / 2}}) {
        OwnedFrame frame(PixelFormat::kBgra, width, height, 0);
        frame.fill_random(13);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            // A frame of pixels and a diagonal: not all rows and columns of the box are full.
            const int right = wanted.x + wanted.width - 1;
            const int bottom = wanted.y + wanted.height - 1;
            const bool inside = x >= wanted.x && x <= right && y >= wanted.y && y <= bottom;
            const bool seen = inside && (x == right || y == wanted.y || x == wanted.x || y == bottom || x == y);
            const int weight = seen ? kFaintWeight + 1 : (x * y) % (kFaintWeight + 1);
            alpha_of(frame, x, y) = static_cast<std::uint8_t>(blend == Blend::kByAlpha ? weight : 255 - weight);
          }
        }
        const FrameBox found = matte_bounds_cpu(frame.view(), blend);
        if (wanted.empty()) {
          EXPECT_TRUE(found.empty());
        } else {
          EXPECT_EQ(found, wanted) << found.x << ' ' << found.y << ' ' << found.width << ' ' << found.height;
        }
      }
    }
  }
}

TEST(FramePart, IsTheSameMemory) {
  OwnedFrame frame(PixelFormat::kRgba, 20, 10, 0);
  frame.fill_random(14);
  const FrameView part = part_of(frame.view(), {3, 2, 5, 4});
  EXPECT_EQ(part.width, 5);
  EXPECT_EQ(part.height, 4);
  for (int y = 0; y < 4; ++y) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(part.planes[0][y * part.strides[0] + i], frame.at(0, y + 2, 12 + i));
  }
}

}  // namespace
}  // namespace liveedit::kernels
