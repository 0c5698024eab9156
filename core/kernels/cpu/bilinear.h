// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <vector>

namespace liveedit::kernels {

// Where one output sample of a bilinear scaling lies: between `low` and `high`, `fraction` of the way.
struct BilinearPoint {
  int low = 0;
  int high = 0;
  float fraction = 0;
};

// step: input samples an output sample. Pixels are squares whose corners are aligned (PyTorch's align_corners=False).
inline BilinearPoint bilinear_point(int out, double step, int in_length) {
  const double place = std::max(0.0, (out + 0.5) * step - 0.5);
  const int low = std::min(static_cast<int>(place), in_length - 1);
  return {low, std::min(low + 1, in_length - 1), static_cast<float>(place - low)};
}

// The points of a whole row, one array a field, so that loops over them vectorise.
struct BilinearRow {
  BilinearRow(int out_length, double step, int in_length) : low(out_length), high(out_length), fraction(out_length) {
    for (int i = 0; i < out_length; ++i) {
      const BilinearPoint point = bilinear_point(i, step, in_length);
      low[i] = point.low;
      high[i] = point.high;
      fraction[i] = point.fraction;
    }
  }
  std::vector<int> low;
  std::vector<int> high;
  std::vector<float> fraction;
};

}  // namespace liveedit::kernels
