// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/blend.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace liveedit::server {
namespace {

constexpr int kBytes = 4;  // of a pixel

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

void blend_pictures(uint8_t* picture, PictureSize size, const uint8_t* other, PictureSize other_size, double ratio) {
  const std::vector<Between> columns = positions(other_size.width, size.width),
                             rows = positions(other_size.height, size.height);
  const size_t stride = static_cast<size_t>(other_size.width) * kBytes;
  for (const Between& row : rows) {
    const uint8_t *above = other + row.first * stride, *below = other + row.second * stride;
    for (const Between& column : columns) {
      for (int c = 0; c < 3; ++c) {
        const auto mix = [&](const uint8_t* line) {
          const double left = line[column.first * kBytes + c], right = line[column.second * kBytes + c];
          return left + (right - left) * column.part;
        };
        const double top = mix(above), bottom = mix(below);
        const double value = picture[c] * (1 - ratio) + (top + (bottom - top) * row.part) * ratio;
        picture[c] = static_cast<uint8_t>(std::lround(value));
      }
      picture += kBytes;
    }
  }
}

}  // namespace liveedit::server
