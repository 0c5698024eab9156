// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace liveedit::networks::cpu {

// W [out, in] in fp16 (finite values only), row after row, and a bias [out] or nullptr.
struct HalfMatrix {
  const std::uint16_t* weight = nullptr;
  const float* bias = nullptr;
  std::int64_t out = 0;
  std::int64_t in = 0;
};

// y[r][o] = sum_i W[o][i] x[r][i] + bias[o] for o in begin..end; x [rows, in], y [rows, out].
void multiply_rows(const HalfMatrix& matrix, std::int64_t begin, std::int64_t end, const float* x, std::int64_t rows,
                   float* y);

}  // namespace liveedit::networks::cpu
