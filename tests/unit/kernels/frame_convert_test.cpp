// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/frame_convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/kernels/frame_layout.h"
#include "tests/unit/kernels/frame_fixture.h"

namespace liveedit::kernels {
namespace {

using test::kAllElements;
using test::kAllFormats;
using test::name_of;
using test::OwnedFrame;
using test::OwnedPicture;

struct Size {
  int width;
  int height;
};
constexpr Size kSizes[] = {{1, 1}, {2, 2}, {3, 5}, {17, 9}, {64, 33}};

struct Luma {
  double red;
  double blue;
};

Luma weights_of(YuvMatrix matrix) {
  if (matrix == YuvMatrix::kBt709) return {0.2126, 0.0722};
  if (matrix == YuvMatrix::kBt2020) return {0.2627, 0.0593};
  return {0.299, 0.114};
}

// The chroma sample at luma (x, y) in double precision: bilinear between sites (2i, 2j + 0.5).
double chroma_at(const OwnedFrame& frame, bool red, int x, int y) {
  const FrameView& view = frame.view();
  const int columns = (view.width + 1) / 2;
  const int rows = (view.height + 1) / 2;
  const auto sample = [&](int column, int row) {
    column = std::clamp(column, 0, columns - 1);
    row = std::clamp(row, 0, rows - 1);
    if (view.format == PixelFormat::kNv12) return static_cast<double>(frame.at(1, row, 2 * column + (red ? 1 : 0)));
    return static_cast<double>(frame.at(red ? 2 : 1, row, column));
  };
  const double fx = x / 2.0;
  const double fy = (y - 0.5) / 2.0;
  const int left = static_cast<int>(std::floor(fx));
  const int top = static_cast<int>(std::floor(fy));
  const double wx = fx - left;
  const double wy = fy - top;
  return (1 - wy) * ((1 - wx) * sample(left, top) + wx * sample(left + 1, top)) +
         wy * ((1 - wx) * sample(left, top + 1) + wx * sample(left + 1, top + 1));
}

std::array<double, 3> reference_rgb(const OwnedFrame& frame, int x, int y) {
  const FrameView& view = frame.view();
  if (is_packed(view.format)) {
    const PackedOrder order = packed_order(view.format);
    const int start = order.pixel_bytes * x;
    return {static_cast<double>(frame.at(0, y, start + order.red)),
            static_cast<double>(frame.at(0, y, start + order.green)),
            static_cast<double>(frame.at(0, y, start + order.blue))};
  }
  const Luma weight = weights_of(view.matrix);
  const double luma = view.full_range ? frame.at(0, y, x) / 255.0 : (frame.at(0, y, x) - 16) / 219.0;
  const double span = view.full_range ? 255.0 : 224.0;
  const double blue_difference = (chroma_at(frame, false, x, y) - 128) / span;
  const double red_difference = (chroma_at(frame, true, x, y) - 128) / span;
  const double red = luma + 2 * (1 - weight.red) * red_difference;
  const double blue = luma + 2 * (1 - weight.blue) * blue_difference;
  const double green = (luma - weight.red * red - weight.blue * blue) / (1 - weight.red - weight.blue);
  return {std::clamp(red, 0.0, 1.0) * 255, std::clamp(green, 0.0, 1.0) * 255, std::clamp(blue, 0.0, 1.0) * 255};
}

double step_of(Element element) {
  return element == Element::kF32 ? 1e-6 : element == Element::kF16 ? 0.5 / 1024 : 0.5 / 128;
}

void expect_picture_matches(const OwnedFrame& frame, const OwnedPicture& picture) {
  const FrameView& view = frame.view();
  double worst = 0;
  for (int y = 0; y < picture.tensor().height; ++y) {
    for (int x = 0; x < picture.tensor().width; ++x) {
      const auto expected = reference_rgb(frame, std::min(x, view.width - 1), std::min(y, view.height - 1));
      for (int c = 0; c < 3; ++c) {
        worst = std::max(worst, std::fabs(picture.value(y, x, c) - (expected[c] / 127.5 - 1)));
      }
    }
  }
  EXPECT_LE(worst, step_of(picture.tensor().element))
      << name_of(view.format) << ' ' << view.width << 'x' << view.height;
}

TEST(FrameToPicture, MatchesDoublePrecisionForEveryFormatSizeAndElement) {
  for (const PixelFormat format : kAllFormats) {
    for (const Size size : kSizes) {
      for (const Element element : kAllElements) {
        OwnedFrame frame(format, size.width, size.height, 0x5a);
        frame.fill_random(7);
        OwnedPicture picture(element, (size.height + 7) / 8 * 8, (size.width + 7) / 8 * 8);
        frame_to_picture_cpu(frame.view(), picture.tensor());
        expect_picture_matches(frame, picture);
      }
    }
  }
}

TEST(FrameToPicture, MatchesDoublePrecisionForEveryMatrixAndRange) {
  for (const PixelFormat format : {PixelFormat::kNv12, PixelFormat::kI420}) {
    for (const YuvMatrix matrix : {YuvMatrix::kBt601, YuvMatrix::kBt709, YuvMatrix::kBt2020}) {
      for (const bool full_range : {false, true}) {
        OwnedFrame frame(format, 31, 18, 0);
        frame.fill_random(11);
        frame.view().matrix = matrix;
        frame.view().full_range = full_range;
        OwnedPicture picture(Element::kF32, 18, 31);
        frame_to_picture_cpu(frame.view(), picture.tensor());
        expect_picture_matches(frame, picture);
      }
    }
  }
}

void expect_frame_matches(const OwnedPicture& picture, const OwnedFrame& original, const OwnedFrame& frame) {
  const FrameView& view = frame.view();
  const PackedOrder order = packed_order(view.format);
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      const int places[3] = {order.red, order.green, order.blue};
      for (int c = 0; c < 3; ++c) {
        const double expected = std::clamp((picture.value(y, x, c) + 1) * 127.5, 0.0, 255.0);
        ASSERT_NEAR(frame.at(0, y, order.pixel_bytes * x + places[c]), expected, 0.5001) << name_of(view.format);
      }
      if (order.alpha >= 0) {
        ASSERT_EQ(frame.at(0, y, 4 * x + order.alpha), original.at(0, y, 4 * x + order.alpha));
      }
      if (order.unused >= 0) {
        ASSERT_EQ(frame.at(0, y, 4 * x + order.unused), 255);
      }
    }
  }
}

TEST(PictureToFrame, PackedFormatsClampRoundCropAndKeepAlpha) {
  for (const PixelFormat format : kAllFormats) {
    if (!is_packed(format)) continue;
    for (const Size size : kSizes) {
      for (const Element element : kAllElements) {
        OwnedPicture picture(element, size.height + 3, size.width + 2);
        picture.fill_random(3, -1.5, 1.5);
        OwnedFrame original(format, size.width, size.height, 0);
        original.fill_random(5);
        OwnedFrame frame(format, size.width, size.height, 0xa5);
        picture_to_frame_cpu(picture.tensor(), original.view(), frame.view());
        expect_frame_matches(picture, original, frame);
        EXPECT_TRUE(frame.guards_are_intact()) << name_of(format);
      }
    }
  }
}

TEST(PictureToFrame, PlanarFormatsMatchDoublePrecision) {
  for (const PixelFormat format : {PixelFormat::kNv12, PixelFormat::kI420}) {
    for (const Size size : kSizes) {
      for (const YuvMatrix matrix : {YuvMatrix::kBt601, YuvMatrix::kBt709, YuvMatrix::kBt2020}) {
        for (const bool full_range : {false, true}) {
          OwnedPicture picture(Element::kF32, size.height + 1, size.width + 4);
          picture.fill_random(9, -1, 1);
          OwnedFrame frame(format, size.width, size.height, 0xa5);
          frame.view().matrix = matrix;
          frame.view().full_range = full_range;
          picture_to_frame_cpu(picture.tensor(), frame.view(), frame.view());
          const Luma weight = weights_of(matrix);
          const auto rgb = [&](int x, int y, int c) { return (picture.value(y, x, c) + 1) / 2; };
          const auto luma = [&](double r, double g, double b) {
            return weight.red * r + (1 - weight.red - weight.blue) * g + weight.blue * b;
          };
          for (int y = 0; y < size.height; ++y) {
            for (int x = 0; x < size.width; ++x) {
              const double value = luma(rgb(x, y, 0), rgb(x, y, 1), rgb(x, y, 2));
              ASSERT_NEAR(frame.at(0, y, x), full_range ? 255 * value : 16 + 219 * value, 0.501);
            }
          }
          for (int row = 0; row < (size.height + 1) / 2; ++row) {
            for (int column = 0; column < (size.width + 1) / 2; ++column) {
              const int right = std::min(2 * column + 1, size.width - 1);
              const int below = std::min(2 * row + 1, size.height - 1);
              double mean[3];
              for (int c = 0; c < 3; ++c) {
                mean[c] = (rgb(2 * column, 2 * row, c) + rgb(right, 2 * row, c) + rgb(2 * column, below, c) +
                           rgb(right, below, c)) /
                          4;
              }
              const double grey = luma(mean[0], mean[1], mean[2]);
              const double span = full_range ? 255 : 224;
              const double blue = std::min(128 + span * (mean[2] - grey) / (2 - 2 * weight.blue), 255.0);
              const double red = std::min(128 + span * (mean[0] - grey) / (2 - 2 * weight.red), 255.0);
              const bool interleaved = format == PixelFormat::kNv12;
              ASSERT_NEAR(frame.at(1, row, interleaved ? 2 * column : column), blue, 0.501);
              ASSERT_NEAR(frame.at(interleaved ? 1 : 2, row, interleaved ? 2 * column + 1 : column), red, 0.501);
            }
          }
          ASSERT_TRUE(frame.guards_are_intact());
        }
      }
    }
  }
}

TEST(RoundTrip, RgbFormatsComeBackExactlyInF32AndF16AndWithinOneInBf16) {
  for (const PixelFormat format : kAllFormats) {
    if (!is_packed(format)) continue;
    for (const Element element : kAllElements) {
      OwnedFrame frame(format, 67, 41, 0);
      frame.fill_random(13);
      OwnedFrame back(format, 67, 41, 0);
      OwnedPicture picture(element, 48, 72);
      frame_to_picture_cpu(frame.view(), picture.tensor());
      picture_to_frame_cpu(picture.tensor(), frame.view(), back.view());
      const PackedOrder order = packed_order(format);
      const int allowed = element == Element::kBf16 ? 1 : 0;
      for (int y = 0; y < 41; ++y) {
        for (int byte = 0; byte < 67 * order.pixel_bytes; ++byte) {
          if (byte % order.pixel_bytes == order.unused) continue;
          ASSERT_LE(std::abs(frame.at(0, y, byte) - back.at(0, y, byte)), allowed) << name_of(format);
        }
      }
    }
  }
}

TEST(PictureToFrame, NonFiniteValuesStayInRange_n) {
  OwnedPicture picture(Element::kF32, 2, 2);
  picture.fill_random(1, -1, 1);
  picture.set(0, 0, 0, std::numeric_limits<double>::quiet_NaN());
  picture.set(0, 0, 1, std::numeric_limits<double>::infinity());
  picture.set(0, 0, 2, -std::numeric_limits<double>::infinity());
  OwnedFrame frame(PixelFormat::kRgb, 2, 2, 9);
  picture_to_frame_cpu(picture.tensor(), frame.view(), frame.view());
  EXPECT_EQ(frame.at(0, 0, 0), 0);
  EXPECT_EQ(frame.at(0, 0, 1), 255);
  EXPECT_EQ(frame.at(0, 0, 2), 0);
}

TEST(PictureToFrame, AlphaIsOpaqueWhereTheOriginalHasNone) {
  OwnedPicture picture(Element::kF16, 2, 2);
  picture.fill_random(1, -1, 1);
  OwnedFrame original(PixelFormat::kRgbx, 2, 2, 0);
  original.fill_random(2);
  OwnedFrame frame(PixelFormat::kRgba, 2, 2, 0);
  picture_to_frame_cpu(picture.tensor(), original.view(), frame.view());
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 2; ++x) EXPECT_EQ(frame.at(0, y, 4 * x + 3), 255);
  }
}

TEST(CopyFrame, CopiesEveryPlaneBetweenDifferentStrides) {
  for (const PixelFormat format : kAllFormats) {
    OwnedFrame from(format, 19, 7, 1);
    from.fill_random(21);
    OwnedFrame to(format, 19, 7, 2);
    copy_frame_cpu(from.view(), to.view());
    EXPECT_TRUE(from.same_picture(to)) << name_of(format);
    EXPECT_TRUE(to.guards_are_intact()) << name_of(format);
  }
}

TEST(CopyFrame, KeepsTheAlphaOfTheOriginal) {
  OwnedFrame from(PixelFormat::kBgra, 19, 7, 1);
  OwnedFrame original(PixelFormat::kBgra, 19, 7, 1);
  from.fill_random(1);
  original.fill_random(2);
  OwnedFrame to(PixelFormat::kBgra, 19, 7, 3);
  copy_frame_keep_alpha_cpu(from.view(), original.view(), to.view());
  for (int y = 0; y < 7; ++y) {
    for (int byte = 0; byte < 4 * 19; ++byte) {
      ASSERT_EQ(to.at(0, y, byte), (byte % 4 == 3 ? original : from).at(0, y, byte));
    }
  }
  EXPECT_TRUE(to.guards_are_intact());
}

TEST(CountNonFinite, FindsEveryNanAndInfinityInEveryElement) {
  const std::vector<std::uint16_t> halves = {0x0000, 0x7bff, 0x7c00, 0xfc00, 0x7e01, 0x8000, 0x03ff, 0xfbff};
  EXPECT_EQ(count_non_finite_cpu(halves.data(), Element::kF16, halves.size()), 3u);
  const std::vector<std::uint16_t> brains = {0x0000, 0x7f7f, 0x7f80, 0xff80, 0x7fc1, 0x8000, 0x7c00, 0x7e01};
  EXPECT_EQ(count_non_finite_cpu(brains.data(), Element::kBf16, brains.size()), 3u);
  std::vector<float> floats(200001, 1.0f);
  EXPECT_EQ(count_non_finite_cpu(floats.data(), Element::kF32, floats.size()), 0u);
  floats.front() = std::numeric_limits<float>::quiet_NaN();
  floats[70000] = std::numeric_limits<float>::infinity();
  floats.back() = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(count_non_finite_cpu(floats.data(), Element::kF32, floats.size()), 3u);
}

}  // namespace
}  // namespace liveedit::kernels
