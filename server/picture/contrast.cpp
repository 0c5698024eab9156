// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/contrast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace liveedit::server {
namespace {

constexpr uint32_t kStep = 4;
constexpr size_t kBytes = 4;  // of a pixel

}  // namespace

double contrast(const uint8_t* picture, PictureSize size) {
  std::array<uint64_t, 3> sums{}, squares{};
  uint64_t count = 0;
  for (uint32_t y = 0; y < size.height; y += kStep) {
    for (uint32_t x = 0; x < size.width; x += kStep, ++count) {
      const uint8_t* pixel = picture + (static_cast<size_t>(y) * size.width + x) * kBytes;
      for (size_t c = 0; c < sums.size(); ++c) {
        sums[c] += pixel[c];
        squares[c] += static_cast<uint64_t>(pixel[c]) * pixel[c];
      }
    }
  }
  double greatest = 0;
  for (size_t c = 0; c < sums.size() && count > 0; ++c) {
    const double mean = static_cast<double>(sums[c]) / static_cast<double>(count);
    greatest = std::max(greatest, static_cast<double>(squares[c]) / static_cast<double>(count) - mean * mean);
  }
  return std::sqrt(greatest);
}

}  // namespace liveedit::server
