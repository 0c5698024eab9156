// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

namespace liveedit {

// 8 bits a channel, named as GStreamer names them (order of bytes in memory).
// kGray8 is what a matte leaves in; no engine takes it as input.
enum class PixelFormat { kRgb, kRgbx, kBgrx, kRgba, kBgra, kNv12, kI420, kGray8 };

enum class MemoryKind { kHost, kCuda };

// How Y'CbCr maps to R'G'B' (ITU-R BT.601, BT.709, BT.2020); unused for RGB formats.
enum class YuvMatrix { kBt601, kBt709, kBt2020 };

// One picture where it lies: a view, never an owner. planes[i] is row 0 of plane i, strides[i] its bytes a row (may
// exceed the row, may be unaligned). Packed formats have one plane; NV12 has Y and interleaved CbCr; I420 has Y, Cb and
// Cr, the chroma planes (width+1)/2 x (height+1)/2. 1 <= width, height <= 16384.
struct FrameView {
  PixelFormat format = PixelFormat::kRgb;
  int width = 0;
  int height = 0;
  std::array<std::uint8_t*, 3> planes{};
  std::array<int, 3> strides{};
  MemoryKind memory = MemoryKind::kHost;
  int cuda_device = 0;  // where memory == kCuda
  YuvMatrix matrix = YuvMatrix::kBt601;
  bool full_range = false;  // Y'CbCr 0..255 instead of 16..235/240
};

}  // namespace liveedit
