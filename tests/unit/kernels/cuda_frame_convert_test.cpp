// SPDX-License-Identifier: LGPL-2.1-or-later
// The CUDA kernels must give the bits that the CPU's give, which frame_convert_test.cpp compares with double precision.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/kernels/frame_convert.h"
#include "core/kernels/matte_bounds.h"
#include "tests/unit/kernels/device_memory.h"
#include "tests/unit/kernels/frame_fixture.h"

namespace liveedit::kernels {
namespace {

using test::DeviceBytes;
using test::kAllElements;
using test::kAllFormats;
using test::name_of;
using test::OwnedFrame;
using test::OwnedPicture;

constexpr int kWidths[] = {1, 2, 17, 67};
constexpr int kHeights[] = {1, 5, 34};

class CudaFrameConvert : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_gpu()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
  }
};

void compare_both_ways(PixelFormat format, int width, int height, Element element, YuvMatrix matrix, bool full_range) {
  OwnedFrame frame(format, width, height, 0);
  frame.fill_random(7);
  frame.view().matrix = matrix;
  frame.view().full_range = full_range;
  OwnedPicture expected(element, height + 3, width + 5);
  frame_to_picture_cpu(frame.view(), expected.tensor());
  const DeviceBytes frame_bytes(frame.bytes().data(), frame.bytes().size());
  const DeviceBytes picture_bytes(expected.bytes().size());
  const PictureTensor picture{picture_bytes.data(), element, height + 3, width + 5};
  frame_to_picture_cuda(frame.view_at(frame_bytes.data(), MemoryKind::kCuda), picture, nullptr);
  ASSERT_EQ(picture_bytes.read(), expected.bytes()) << name_of(format) << ' ' << width << 'x' << height;

  OwnedPicture source(element, height + 3, width + 5);
  source.fill_random(9, -1.3, 1.3);
  OwnedFrame expected_frame(format, width, height, 0x5a);
  expected_frame.view().matrix = matrix;
  expected_frame.view().full_range = full_range;
  const DeviceBytes output_bytes(expected_frame.bytes().data(), expected_frame.bytes().size());
  picture_to_frame_cpu(source.tensor(), frame.view(), expected_frame.view());
  const DeviceBytes source_bytes(source.bytes().data(), source.bytes().size());
  picture_to_frame_cuda({source_bytes.data(), element, height + 3, width + 5},
                        frame.view_at(frame_bytes.data(), MemoryKind::kCuda),
                        expected_frame.view_at(output_bytes.data(), MemoryKind::kCuda), Blend::kNone, nullptr);
  ASSERT_EQ(output_bytes.read(), expected_frame.bytes()) << name_of(format) << ' ' << width << 'x' << height;
}

TEST_F(CudaFrameConvert, GivesTheBitsOfTheCpuForEveryFormatSizeAndElement) {
  for (const PixelFormat format : kAllFormats) {
    for (const int width : kWidths) {
      for (const int height : kHeights) {
        for (const Element element : kAllElements) {
          compare_both_ways(format, width, height, element, YuvMatrix::kBt601, false);
        }
      }
    }
  }
}

TEST_F(CudaFrameConvert, GivesTheBitsOfTheCpuForEveryMatrixAndRange) {
  for (const YuvMatrix matrix : {YuvMatrix::kBt601, YuvMatrix::kBt709, YuvMatrix::kBt2020}) {
    for (const bool full_range : {false, true}) {
      compare_both_ways(PixelFormat::kNv12, 130, 70, Element::kF16, matrix, full_range);
      compare_both_ways(PixelFormat::kI420, 131, 71, Element::kF32, matrix, full_range);
    }
  }
}

TEST_F(CudaFrameConvert, BlendsByAlphaAsTheCpuDoes) {
  for (const PixelFormat format : {PixelFormat::kRgba, PixelFormat::kBgra}) {
    for (const Blend blend : {Blend::kByAlpha, Blend::kByInverseAlpha}) {
      OwnedFrame original(format, 131, 37, 0);
      original.fill_random(3);
      OwnedPicture picture(Element::kF16, 40, 136);
      picture.fill_random(4, -1.3, 1.3);
      OwnedFrame expected(format, 131, 37, 0x5a);
      const DeviceBytes output_bytes(expected.bytes().data(), expected.bytes().size());
      picture_to_frame_cpu(picture.tensor(), original.view(), expected.view(), blend);
      const DeviceBytes original_bytes(original.bytes().data(), original.bytes().size());
      const DeviceBytes picture_bytes(picture.bytes().data(), picture.bytes().size());
      picture_to_frame_cuda({picture_bytes.data(), Element::kF16, 40, 136},
                            original.view_at(original_bytes.data(), MemoryKind::kCuda),
                            expected.view_at(output_bytes.data(), MemoryKind::kCuda), blend, nullptr);
      EXPECT_EQ(output_bytes.read(), expected.bytes()) << name_of(format);
    }
  }
}

TEST_F(CudaFrameConvert, FindsTheBoundsThatTheCpuFinds) {
  for (const auto& [blend, least] :
       {std::pair{Blend::kByAlpha, kFaintWeight}, {Blend::kByInverseAlpha, kGhostWeight}}) {
    for (const FrameBox& box : {FrameBox{}, {0, 0, 1, 1}, {130, 36, 1, 1}, {33, 7, 60, 20}, {0, 0, 131, 37}}) {
      OwnedFrame frame(PixelFormat::kRgba, 131, 37, 0);
      frame.fill_random(5);
      for (int y = 0; y < 37; ++y) {
        for (int x = 0; x < 131; ++x) {
          const bool inside = x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
          const int weight = inside ? least + 1 : least;
          frame.view().planes[0][y * frame.view().strides[0] + 4 * x + 3] =
              static_cast<std::uint8_t>(blend == Blend::kByAlpha ? weight : 255 - weight);
        }
      }
      ASSERT_EQ(matte_bounds_cpu(frame.view(), blend, least), box);
      const DeviceBytes bytes(frame.bytes().data(), frame.bytes().size());
      const std::int32_t zeros[4] = {};
      const DeviceBytes reach(zeros, sizeof zeros);
      matte_bounds_cuda(frame.view_at(bytes.data(), MemoryKind::kCuda), blend, least,
                        static_cast<std::int32_t*>(reach.data()), nullptr);
      std::int32_t found[4];
      std::memcpy(found, reach.read().data(), sizeof found);
      EXPECT_EQ(box_of_reach(frame.view(), found), box);
    }
  }
}

TEST_F(CudaFrameConvert, AddsTheNonFiniteValuesToTheCounter) {
  std::vector<float> values(100003, 0.5f);
  values[0] = std::numeric_limits<float>::quiet_NaN();
  values[50000] = std::numeric_limits<float>::infinity();
  values.back() = -std::numeric_limits<float>::infinity();
  const DeviceBytes bytes(values.data(), values.size() * sizeof(float));
  const std::uint32_t start = 4;
  const DeviceBytes counter(&start, sizeof start);
  count_non_finite_cuda(bytes.data(), Element::kF32, values.size(), static_cast<std::uint32_t*>(counter.data()),
                        nullptr);
  const std::vector<std::uint16_t> halves = {0x0000, 0x7bff, 0x7c00, 0xfc00, 0x7e01};
  const DeviceBytes half_bytes(halves.data(), 2 * halves.size());
  count_non_finite_cuda(half_bytes.data(), Element::kF16, halves.size(), static_cast<std::uint32_t*>(counter.data()),
                        nullptr);
  std::uint32_t found = 0;
  std::memcpy(&found, counter.read().data(), sizeof found);
  EXPECT_EQ(found, 4u + 3u + 3u);
}

}  // namespace
}  // namespace liveedit::kernels
