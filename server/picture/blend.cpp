// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/blend.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace liveedit::server {
namespace {

constexpr int kBytes = 4;            // of a pixel
constexpr uint32_t kOne = 1U << 16;  // ratios count in its parts

// The two source pixels between which a target pixel lies, and how far it is from the first.
struct Between {
  uint32_t first = 0, second = 0;
  double part = 0;
};

std::vector<Between> positions(uint32_t from, uint32_t to) {
  std::vector<Between> all(to);
  for (uint32_t i = 0; i < to; ++i) {
    const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    const auto first = static_cast<uint32_t>(at);
    all[i] = {first, std::min(first + 1, from - 1), at - first};
  }
  return all;
}

}  // namespace

void stretch_picture(const uint8_t* from, PictureSize from_size, uint8_t* to, PictureSize to_size) {
  const std::vector<Between> columns = positions(from_size.width, to_size.width),
                             rows = positions(from_size.height, to_size.height);
  const size_t stride = static_cast<size_t>(from_size.width) * kBytes;
  for (const Between& row : rows) {
    const uint8_t *above = from + row.first * stride, *below = from + row.second * stride;
    for (const Between& column : columns) {
      for (int c = 0; c < kBytes; ++c) {
        const auto mix = [&](const uint8_t* line) {
          const double left = line[column.first * kBytes + c], right = line[column.second * kBytes + c];
          return left + (right - left) * column.part;
        };
        const double top = mix(above), bottom = mix(below);
        to[c] = static_cast<uint8_t>(std::lround(top + (bottom - top) * row.part));
      }
      to += kBytes;
    }
  }
}

void mix_pictures(uint8_t* picture, const uint8_t* other, size_t pixels, double ratio) {
  // Whole numbers, and all four bytes of a pixel alike: compilers make vectors of it. The fourth byte means nothing,
  // but stays.
  const auto part = static_cast<uint32_t>(std::lround(ratio * kOne)), rest = kOne - part;
  for (size_t i = 0; i < pixels * kBytes; ++i) {
    const uint32_t mixed = (picture[i] * rest + other[i] * part + kOne / 2) / kOne;
    picture[i] = i % kBytes == 3 ? picture[i] : static_cast<uint8_t>(mixed);
  }
}

void blend_pictures(uint8_t* picture, PictureSize size, const uint8_t* other, PictureSize other_size, double ratio) {
  const size_t pixels = static_cast<size_t>(size.width) * size.height;
  std::vector<uint8_t> stretched(pixels * kBytes);
  stretch_picture(other, other_size, stretched.data(), size);
  mix_pictures(picture, stretched.data(), pixels, ratio);
}

}  // namespace liveedit::server
