// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/cpu/matte_field.h"

#include <cstddef>

#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/cpu/instruction_sets.h"

namespace liveedit::kernels {
namespace {

LIVEEDIT_INLINE std::uint16_t to_alpha(float value) {
  value = value > 0.0f ? value : 0.0f;
  value = value < 1.0f ? value : 1.0f;
  return static_cast<std::uint16_t>(static_cast<int>(value * 65535.0f + 0.5f));
}

LIVEEDIT_CPU_CLONES void mix_channel(const float* __restrict top, const float* __restrict bottom, float fraction,
                                     int count, float* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = top[4 * i] + fraction * (bottom[4 * i] - top[4 * i]);
}

LIVEEDIT_INLINE float between(const float* line, int low, int high, float fraction) {
  return line[low] + fraction * (line[high] - line[low]);
}

LIVEEDIT_CPU_CLONES void guided_alpha(const float* __restrict a, const float* __restrict b, const BilinearRow& columns,
                                      const float* __restrict rgb, int width, std::uint16_t* __restrict alpha) {
  const int* low = columns.low.data();
  const int* high = columns.high.data();
  const float* fraction = columns.fraction.data();
  for (int x = 0; x < width; ++x) {
    const float mean = (rgb[3 * x] + rgb[3 * x + 1] + rgb[3 * x + 2]) * (1.0f / 765.0f);
    alpha[x] = to_alpha(between(a, low[x], high[x], fraction[x]) * mean + between(b, low[x], high[x], fraction[x]));
  }
}

LIVEEDIT_CPU_CLONES void plain_alpha(const float* __restrict b, int width, std::uint16_t* __restrict alpha) {
  for (int x = 0; x < width; ++x) alpha[x] = to_alpha(b[4 * x + 3]);
}

LIVEEDIT_CPU_CLONES void guided_colour(const float* __restrict a, const float* __restrict b, const BilinearRow& columns,
                                       const float* __restrict rgb, int width, float* __restrict colours) {
  const int* low = columns.low.data();
  const int* high = columns.high.data();
  const float* fraction = columns.fraction.data();
  for (int x = 0; x < width; ++x) {
    const float gain = 1.0f + between(a, low[x], high[x], fraction[x]);
    colours[3 * x] = gain * rgb[3 * x] + 255.0f * between(b, low[x], high[x], fraction[x]);
  }
}

LIVEEDIT_CPU_CLONES void plain_colours(const float* __restrict b, const float* __restrict rgb, int width,
                                       float* __restrict colours) {
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < 3; ++c) colours[3 * x + c] = rgb[3 * x + c] + 255.0f * b[4 * x + c];
  }
}

}  // namespace

MatteFieldReader::MatteFieldReader(const MatteField& field, int frame_height, int frame_width)
    : field_(field),
      height_(frame_height),
      width_(frame_width),
      columns_(frame_width, static_cast<double>(field.width) / frame_width, field.width),
      lines_(8 * static_cast<std::size_t>(field.width)) {}

void MatteFieldReader::mix_lines(int y, int first_channel, int end_channel) {
  const BilinearPoint point = bilinear_point(y, static_cast<double>(field_.height) / height_, field_.height);
  const auto row_length = static_cast<std::ptrdiff_t>(field_.width) * 4;
  for (int i = 0; i < 2; ++i) {
    const float* from = i == 0 ? field_.a : field_.b;
    for (int c = first_channel; c < end_channel; ++c) {
      mix_channel(from + point.low * row_length + c, from + point.high * row_length + c, point.fraction, field_.width,
                  lines_.data() + static_cast<std::size_t>(4 * i + c) * field_.width);
    }
  }
}

void MatteFieldReader::alpha(int y, const float* rgb, std::uint16_t* alpha) {
  if (field_.a == nullptr) {
    return plain_alpha(field_.b + static_cast<std::ptrdiff_t>(y) * field_.width * 4, width_, alpha);
  }
  mix_lines(y, 3, 4);
  guided_alpha(line(3), line(7), columns_, rgb, width_, alpha);
}

void MatteFieldReader::foreground(int y, const float* rgb, float* colours) {
  if (field_.a == nullptr) {
    return plain_colours(field_.b + static_cast<std::ptrdiff_t>(y) * field_.width * 4, rgb, width_, colours);
  }
  mix_lines(y, 0, 3);
  for (int c = 0; c < 3; ++c) guided_colour(line(c), line(4 + c), columns_, rgb + c, width_, colours + c);
}

void matte_alpha_cpu(const FrameView& frame, const MatteField& field, std::uint16_t* alpha, RowRange rows) {
  FrameRowReader reader(frame);
  MatteFieldReader matte(field, frame.height, frame.width);
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* rgb = field.a == nullptr ? nullptr : reader.rgb(y);
    matte.alpha(y, rgb, alpha + static_cast<std::ptrdiff_t>(y) * frame.width);
  }
}

LIVEEDIT_CPU_CLONES void threshold_alpha_cpu(const std::uint16_t* from, std::uint16_t* to, std::uint64_t count,
                                             float threshold) {
  const float low = threshold * 65535.0f;
  const float gain = threshold < 1.0f ? 1.0f / (1.0f - threshold) : 0.0f;
  for (std::uint64_t i = 0; i < count; ++i) {
    const float above = (static_cast<float>(from[i]) - low) * gain;
    to[i] = static_cast<std::uint16_t>(static_cast<int>((above > 0.0f ? above : 0.0f) + 0.5f));
  }
}

}  // namespace liveedit::kernels
