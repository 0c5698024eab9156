// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/cpu/half_matrix.h"

#include <bit>

#include "core/networks/layers/cpu/vector_math.h"

namespace liveedit::networks::cpu {
namespace {

constexpr std::int64_t kLanes = 16;

// A finite fp16 as fp32: its bits moved into fp32's places have an exponent that is 112 too small.
LIVEEDIT_INLINE float from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t rest = static_cast<std::uint32_t>(bits & 0x7fffu) << 13;
  return std::bit_cast<float>(sign | rest) * 0x1p112f;
}

LIVEEDIT_INLINE float sum_of(float (&lanes)[kLanes]) {
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// `count` rows of x against one row of W, which is converted once for all of them.
template <std::int64_t count>
LIVEEDIT_INLINE void dot_products(const std::uint16_t* weight, std::int64_t in, const float* x, float (&sums)[count]) {
  float lanes[count][kLanes] = {};
  const std::int64_t whole = in / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    float w[kLanes];
    for (std::int64_t j = 0; j < kLanes; ++j) w[j] = from_half(weight[i + j]);
    for (std::int64_t r = 0; r < count; ++r) {
      for (std::int64_t j = 0; j < kLanes; ++j) lanes[r][j] += w[j] * x[r * in + i + j];
    }
  }
  for (std::int64_t r = 0; r < count; ++r) {
    float rest = 0;
    for (std::int64_t i = whole; i < in; ++i) rest += from_half(weight[i]) * x[r * in + i];
    sums[r] = sum_of(lanes[r]) + rest;
  }
}

template <std::int64_t count>
LIVEEDIT_INLINE void multiply_some(const HalfMatrix& matrix, std::int64_t o, const float* x, float* y) {
  float sums[count];
  dot_products<count>(matrix.weight + o * matrix.in, matrix.in, x, sums);
  const float bias = matrix.bias == nullptr ? 0.0f : matrix.bias[o];
  for (std::int64_t r = 0; r < count; ++r) y[r * matrix.out + o] = sums[r] + bias;
}

}  // namespace

LIVEEDIT_CPU_CLONES void multiply_rows(const HalfMatrix& matrix, std::int64_t begin, std::int64_t end, const float* x,
                                       std::int64_t rows, float* y) {
  for (std::int64_t o = begin; o < end; ++o) {
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4) multiply_some<4>(matrix, o, x + r * matrix.in, y + r * matrix.out);
    for (; r + 2 <= rows; r += 2) multiply_some<2>(matrix, o, x + r * matrix.in, y + r * matrix.out);
    for (; r < rows; ++r) multiply_some<1>(matrix, o, x + r * matrix.in, y + r * matrix.out);
  }
}

}  // namespace liveedit::networks::cpu
