// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/api/frame_view.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {

// What a kernel needs of a FrameView; std::array's accessors are host functions.
struct DeviceFrame {
  int width;
  int height;
  std::uint8_t* planes[3];
  std::ptrdiff_t strides[3];
  bool packed;
  bool interleaved;
  PackedOrder order;
  YuvCoefficients coefficients;
};

inline DeviceFrame device_frame(const FrameView& frame) {
  DeviceFrame device{};
  device.width = frame.width;
  device.height = frame.height;
  for (int plane = 0; plane < 3; ++plane) {
    device.planes[plane] = frame.planes[plane];
    device.strides[plane] = frame.strides[plane];
  }
  device.packed = is_packed(frame.format);
  device.interleaved = frame.format == PixelFormat::kNv12;
  if (device.packed) device.order = packed_order(frame.format);
  device.coefficients = yuv_coefficients(frame.matrix, frame.full_range);
  return device;
}

__device__ inline const std::uint8_t* row_of(const DeviceFrame& frame, int plane, int row) {
  return frame.planes[plane] + row * frame.strides[plane];
}

__device__ inline float upsampled(const std::uint8_t* near_row, const std::uint8_t* far_row, int step, int offset,
                                  int x, int last) {
  const int left = x / 2;
  const int right = min(left + x % 2, last);
  return blend_chroma(near_row[left * step + offset], near_row[right * step + offset], far_row[left * step + offset],
                      far_row[right * step + offset]);
}

__device__ inline void read_yuv(const DeviceFrame& frame, int x, int y, float rgb[3]) {
  const int last_row = (frame.height + 1) / 2 - 1;
  const int last_column = (frame.width + 1) / 2 - 1;
  const int near_row = y / 2;
  const int far_row = min(max(y % 2 == 0 ? near_row - 1 : near_row + 1, 0), last_row);
  const int step = frame.interleaved ? 2 : 1;
  const int red_plane = frame.interleaved ? 1 : 2;
  const int red_offset = frame.interleaved ? 1 : 0;
  const float blue = upsampled(row_of(frame, 1, near_row), row_of(frame, 1, far_row), step, 0, x, last_column);
  const float red = upsampled(row_of(frame, red_plane, near_row), row_of(frame, red_plane, far_row), step, red_offset,
                              x, last_column);
  yuv_to_rgb(frame.coefficients, static_cast<float>(row_of(frame, 0, y)[x]), blue, red, rgb);
}

// R G B of a pixel, 0..255.
__device__ inline void read_rgb(const DeviceFrame& frame, int x, int y, float rgb[3]) {
  if (!frame.packed) return read_yuv(frame, x, y, rgb);
  const std::uint8_t* pixel = row_of(frame, 0, y) + frame.order.pixel_bytes * x;
  rgb[0] = static_cast<float>(pixel[frame.order.red]);
  rgb[1] = static_cast<float>(pixel[frame.order.green]);
  rgb[2] = static_cast<float>(pixel[frame.order.blue]);
}

}  // namespace liveedit::kernels
