// SPDX-License-Identifier: LGPL-2.1-or-later
// Blurs at a fraction of the size: what a wide Gaussian leaves of a picture has no detail that this would lose.
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/kernels/cpu/bilinear.h"
#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/cpu/instruction_sets.h"
#include "core/kernels/matte.h"

namespace liveedit::kernels {
namespace {

constexpr float kLeastWeight = 1.0f / 256.0f;

float* row_of(const SmallPicture& picture, int y) {
  return picture.data + static_cast<std::ptrdiff_t>(y) * picture.width * picture.channels;
}

// Half of the symmetric window, from the centre on; all of it sums to 1.
std::vector<float> gaussian(float deviation) {
  const int radius = static_cast<int>(std::ceil(3 * deviation));
  std::vector<float> half(static_cast<std::size_t>(radius) + 1);
  float sum = 0;
  for (int i = 0; i <= radius; ++i) {
    half[i] = std::exp(-0.5f * static_cast<float>(i * i) / (deviation * deviation));
    sum += i == 0 ? half[i] : 2 * half[i];
  }
  for (float& value : half) value /= sum;
  return half;
}

LIVEEDIT_CPU_CLONES void add_scaled(const float* __restrict from, float weight, std::ptrdiff_t count,
                                    float* __restrict to) {
  for (std::ptrdiff_t i = 0; i < count; ++i) to[i] += weight * from[i];
}

LIVEEDIT_CPU_CLONES void add_weighted(const float* __restrict rgb, const std::uint16_t* __restrict alpha, int width,
                                      float* __restrict to) {
  for (int x = 0; x < width; ++x) {
    const float behind = 1.0f - static_cast<float>(alpha[x]) * (1.0f / 65535.0f);
    const float weight = behind > kLeastWeight ? behind : kLeastWeight;
    for (int c = 0; c < 3; ++c) to[4 * x + c] += weight * rgb[3 * x + c];
    to[4 * x + 3] += weight;
  }
}

// Means of `factor` neighbours of a row of sums over `rows` rows.
void gather(const std::vector<float>& sums, int width, int rows, const SmallPicture& small, int y) {
  float* out = row_of(small, y);
  for (int x = 0; x < small.width; ++x) {
    const int begin = x * small.factor;
    const int end = std::min(width, begin + small.factor);
    for (int c = 0; c < small.channels; ++c) {
      float sum = 0;
      for (int i = begin; i < end; ++i) sum += sums[static_cast<std::size_t>(i) * small.channels + c];
      out[x * small.channels + c] = sum / static_cast<float>(rows * (end - begin));
    }
  }
}

}  // namespace

void shrink_alpha_cpu(const std::uint16_t* alpha, int height, int width, const SmallPicture& small, RowRange rows) {
  std::vector<float> sums(static_cast<std::size_t>(width));
  for (int y = rows.begin; y < rows.end; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const int begin = y * small.factor;
    const int end = std::min(height, begin + small.factor);
    for (int i = begin; i < end; ++i) {
      const std::uint16_t* row = alpha + static_cast<std::ptrdiff_t>(i) * width;
      for (int x = 0; x < width; ++x) sums[x] += static_cast<float>(row[x]) * (1.0f / 65535.0f);
    }
    gather(sums, width, end - begin, small, y);
  }
}

void shrink_background_cpu(const FrameView& frame, const std::uint16_t* alpha, const SmallPicture& small,
                           RowRange rows) {
  FrameRowReader reader(frame);
  std::vector<float> sums(4 * static_cast<std::size_t>(frame.width));
  for (int y = rows.begin; y < rows.end; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const int begin = y * small.factor;
    const int end = std::min(frame.height, begin + small.factor);
    for (int i = begin; i < end; ++i) {
      add_weighted(reader.rgb(i), alpha + static_cast<std::ptrdiff_t>(i) * frame.width, frame.width, sums.data());
    }
    gather(sums, frame.width, end - begin, small, y);
  }
}

void blur_columns_cpu(const SmallPicture& from, const SmallPicture& to, float deviation, RowRange rows) {
  const std::vector<float> half = gaussian(deviation);
  const auto row_length = static_cast<std::ptrdiff_t>(from.width) * from.channels;
  for (int y = rows.begin; y < rows.end; ++y) {
    float* out = row_of(to, y);
    std::fill_n(out, row_length, 0.0f);
    for (int i = 1 - static_cast<int>(half.size()); i < static_cast<int>(half.size()); ++i) {
      add_scaled(row_of(from, std::clamp(y + i, 0, from.height - 1)), half[std::abs(i)], row_length, out);
    }
  }
}

void blur_rows_cpu(const SmallPicture& from, const SmallPicture& to, float deviation, RowRange rows) {
  const std::vector<float> half = gaussian(deviation);
  const int radius = static_cast<int>(half.size()) - 1;
  const int channels = from.channels;
  const auto row_length = static_cast<std::ptrdiff_t>(from.width) * channels;
  // The row with its edges repeated, so that the loop below has no cases.
  std::vector<float> wide(static_cast<std::size_t>(row_length) + 2 * static_cast<std::size_t>(radius) * channels);
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* row = row_of(from, y);
    for (int i = 0; i < radius; ++i) {
      std::copy_n(row, channels, wide.data() + static_cast<std::ptrdiff_t>(i) * channels);
      std::copy_n(row + row_length - channels, channels,
                  wide.data() + static_cast<std::ptrdiff_t>(radius + i) * channels + row_length);
    }
    std::copy_n(row, row_length, wide.data() + static_cast<std::ptrdiff_t>(radius) * channels);
    float* out = row_of(to, y);
    std::fill_n(out, row_length, 0.0f);
    for (int i = -radius; i <= radius; ++i) {
      add_scaled(wide.data() + static_cast<std::ptrdiff_t>(radius + i) * channels, half[std::abs(i)], row_length, out);
    }
  }
}

void divide_by_weight_cpu(const SmallPicture& small, RowRange rows) {
  for (int y = rows.begin; y < rows.end; ++y) {
    float* row = row_of(small, y);
    for (int x = 0; x < small.width; ++x) {
      for (int c = 0; c < 3; ++c) row[4 * x + c] /= row[4 * x + 3];
    }
  }
}

void enlarge_alpha_cpu(const SmallPicture& small, int height, int width, std::uint16_t* alpha, RowRange rows) {
  const BilinearRow columns(width, 1.0 / small.factor, small.width);
  for (int y = rows.begin; y < rows.end; ++y) {
    const BilinearPoint point = bilinear_point(y, 1.0 / small.factor, small.height);
    const float* top = row_of(small, point.low);
    const float* bottom = row_of(small, point.high);
    std::uint16_t* out = alpha + static_cast<std::ptrdiff_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      const int low = columns.low[x];
      const int high = columns.high[x];
      const float left = top[low] + point.fraction * (bottom[low] - top[low]);
      const float right = top[high] + point.fraction * (bottom[high] - top[high]);
      const float value = left + columns.fraction[x] * (right - left);
      out[x] = static_cast<std::uint16_t>(std::clamp(value, 0.0f, 1.0f) * 65535.0f + 0.5f);
    }
  }
}

}  // namespace liveedit::kernels
