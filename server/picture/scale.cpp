// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/scale.h"

#include <algorithm>
#include <vector>

namespace liveedit::server {
namespace {

constexpr uint32_t kOne = 256;  // weights count in its parts

// Which source pixels one target pixel covers, and by how much.
struct Cover {
  uint32_t first = 0, count = 0;
  uint32_t first_weight = 0, last_weight = 0;  // those between count kOne

  uint32_t weight(uint32_t i) const {
    if (i == 0) return first_weight;
    return i + 1 == count ? last_weight : kOne;
  }
};

std::vector<Cover> covers(uint32_t from, uint32_t to) {
  std::vector<Cover> all(to);
  for (uint32_t i = 0; i < to; ++i) {
    const uint64_t begin = static_cast<uint64_t>(i) * from * kOne / to,
                   end = static_cast<uint64_t>(i + 1) * from * kOne / to;
    Cover& cover = all[i];
    cover.first = static_cast<uint32_t>(begin / kOne);
    cover.count = static_cast<uint32_t>(std::min<uint64_t>((end + kOne - 1) / kOne, from)) - cover.first;
    cover.first_weight =
        cover.count == 1 ? static_cast<uint32_t>(end - begin) : static_cast<uint32_t>(kOne - begin % kOne);
    cover.last_weight = end % kOne ? static_cast<uint32_t>(end % kOne) : kOne;
  }
  return all;
}

}  // namespace

void scale_picture(const uint8_t* from, PictureSize from_size, uint8_t* to, PictureSize to_size) {
  const std::vector<Cover> columns = covers(from_size.width, to_size.width),
                           rows = covers(from_size.height, to_size.height);
  // A row of sums: red, green and blue of each target pixel.
  std::vector<uint32_t> sums(static_cast<size_t>(to_size.width) * 3);
  for (const Cover& row : rows) {
    std::fill(sums.begin(), sums.end(), 0);
    uint32_t height = 0;
    for (uint32_t y = 0; y < row.count; ++y) {
      const uint32_t weight = row.weight(y);
      height += weight;
      const uint8_t* line = from + static_cast<size_t>(row.first + y) * from_size.width * 4;
      for (uint32_t x = 0; x < to_size.width; ++x) {
        const Cover& column = columns[x];
        const uint8_t* pixel = line + static_cast<size_t>(column.first) * 4;
        uint32_t red = 0, green = 0, blue = 0, width = 0;
        for (uint32_t i = 0; i < column.count; ++i, pixel += 4) {
          const uint32_t part = column.weight(i);
          width += part;
          red += pixel[0] * part;
          green += pixel[1] * part;
          blue += pixel[2] * part;
        }
        sums[3 * x] += (red + width / 2) / width * weight;
        sums[3 * x + 1] += (green + width / 2) / width * weight;
        sums[3 * x + 2] += (blue + width / 2) / width * weight;
      }
    }
    for (uint32_t x = 0; x < to_size.width; ++x, to += 4) {
      for (int c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>((sums[3 * x + c] + height / 2) / height);
      to[3] = 255;
    }
  }
}

}  // namespace liveedit::server
