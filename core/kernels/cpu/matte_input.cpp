// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <cstddef>

#include "core/kernels/cpu/bilinear.h"
#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/cpu/instruction_sets.h"
#include "core/kernels/matte.h"

namespace liveedit::kernels {
namespace {

constexpr float kToUnit = 1.0f / 255.0f;

LIVEEDIT_CPU_CLONES void scale_row(const float* __restrict rgb, int count, float* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = rgb[i] * kToUnit;
}

LIVEEDIT_CPU_CLONES void mix_rows(const float* __restrict top, const float* __restrict bottom, float fraction,
                                  int count, float* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = (top[i] + fraction * (bottom[i] - top[i])) * kToUnit;
}

LIVEEDIT_CPU_CLONES void shrink_row(const float* __restrict row, const BilinearRow& points, int width,
                                    float* __restrict out) {
  const int* low = points.low.data();
  const int* high = points.high.data();
  const float* fraction = points.fraction.data();
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < 3; ++c) {
      const float left = row[3 * low[x] + c];
      out[3 * x + c] = left + fraction[x] * (row[3 * high[x] + c] - left);
    }
  }
}

}  // namespace

void frame_to_unit_cpu(const FrameView& frame, const UnitPicture& picture, double ratio, RowRange rows) {
  FrameRowReader reader(frame);
  const auto row_length = static_cast<std::ptrdiff_t>(picture.width) * 3;
  if (ratio == 1) {
    for (int y = rows.begin; y < rows.end; ++y) {
      scale_row(reader.rgb(y), 3 * frame.width, picture.data + y * row_length);
    }
    return;
  }
  const BilinearRow columns(picture.width, 1 / ratio, frame.width);
  std::vector<float> top(3 * static_cast<std::size_t>(frame.width));
  std::vector<float> mixed(top.size());
  for (int y = rows.begin; y < rows.end; ++y) {
    const BilinearPoint point = bilinear_point(y, 1 / ratio, frame.height);
    std::copy_n(reader.rgb(point.low), top.size(), top.data());
    mix_rows(top.data(), reader.rgb(point.high), point.fraction, 3 * frame.width, mixed.data());
    shrink_row(mixed.data(), columns, picture.width, picture.data + y * row_length);
  }
}

LIVEEDIT_CPU_CLONES double mean_difference_cpu(const UnitPicture& one, const UnitPicture& other) {
  const auto row_length = static_cast<std::ptrdiff_t>(one.width) * 3;
  double sum = 0;
  for (int y = 0; y < one.height; ++y) {
    const float* a = one.data + y * row_length;
    const float* b = other.data + y * row_length;
    float lanes[16] = {};
    std::ptrdiff_t i = 0;
    for (; i + 16 <= row_length; i += 16) {
      for (int j = 0; j < 16; ++j) lanes[j] += std::fabs(a[i + j] - b[i + j]);
    }
    float rest = 0;
    for (; i < row_length; ++i) rest += std::fabs(a[i] - b[i]);
    for (const float lane : lanes) rest += lane;
    sum += rest;
  }
  return sum / (static_cast<double>(one.height) * static_cast<double>(row_length));
}

}  // namespace liveedit::kernels
