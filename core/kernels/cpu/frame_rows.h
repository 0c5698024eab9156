// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/api/frame_view.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {

inline std::uint8_t* row_of(const FrameView& frame, int plane, int row) {
  return frame.planes[plane] + static_cast<std::ptrdiff_t>(row) * frame.strides[plane];
}

// A frame in host memory, row by row, whatever its format (not kGray8). One thread each.
class FrameRowReader {
 public:
  explicit FrameRowReader(const FrameView& frame);
  // R G B of each pixel, 0..255; valid until the next call.
  const float* rgb(int y);

 private:
  void read_yuv(int y);

  FrameView frame_;
  YuvCoefficients coefficients_;
  int row_ = -1;  // which rgb_ holds
  std::vector<std::uint8_t> bytes_;
  std::vector<float> rgb_;
  std::vector<float> blue_chroma_;
  std::vector<float> red_chroma_;
};

// The way back: rows in ascending order from an even one on, since two rows of NV12 and I420 share their chroma.
class FrameRowWriter {
 public:
  explicit FrameRowWriter(const FrameView& frame);
  // `rgb` is clamped to 0..255 and rounded (half to even). `alpha` (null: 255) has a value every alpha_step (1 or 4)
  // bytes; it goes where the format has alpha.
  void write(int y, const float* rgb, const std::uint8_t* alpha, int alpha_step);

 private:
  void write_packed(int y, const float* rgb, const std::uint8_t* alpha, int alpha_step);

  FrameView frame_;
  YuvCoefficients coefficients_;
  std::vector<std::uint8_t> bytes_;
  std::vector<float> above_;  // the even row that waits for its odd one
};

}  // namespace liveedit::kernels
