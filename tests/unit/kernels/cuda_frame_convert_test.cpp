// SPDX-License-Identifier: LGPL-2.1-or-later
// The CUDA kernels must give the bits that the CPU's give, which frame_convert_test.cpp compares with double precision.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/kernels/frame_convert.h"
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
                        expected_frame.view_at(output_bytes.data(), MemoryKind::kCuda), nullptr);
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
