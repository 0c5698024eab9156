// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/cpu/softmax.h"

#include <vector>

#include <ATen/Parallel.h>

#include "core/networks/layers/cpu/vector_math.h"

namespace liveedit::networks::cpu {
namespace {

constexpr std::int64_t kLanes = 16;

// `buffer` holds the row in fp32, padded to whole lanes with the lowest value.
template <typename Element>
LIVEEDIT_INLINE void softmax_row(Element* row, std::int64_t length, float scale, float* buffer, std::int64_t padded) {
  float top[kLanes];
  for (float& lane : top) lane = -3.4e38f;
  for (std::int64_t i = 0; i < length; ++i) buffer[i] = load(row[i]) * scale;
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) top[j] = buffer[i + j] > top[j] ? buffer[i + j] : top[j];
  }
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) top[j] = top[j + half] > top[j] ? top[j + half] : top[j];
  }
  const float highest = top[0];
  float sums[kLanes] = {};
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const float value = exp_clamped(buffer[i + j] - highest);
      buffer[i + j] = value;
      sums[j] += value;
    }
  }
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  const float factor = 1 / sums[0];
  for (std::int64_t i = 0; i < length; ++i) store(buffer[i] * factor, row[i]);
}

template <typename Element>
LIVEEDIT_INLINE void softmax_rows(Element* first, std::int64_t rows, std::int64_t length, float scale, float* buffer,
                                  std::int64_t padded) {
  for (std::int64_t i = length; i < padded; ++i) buffer[i] = -3.4e38f;
  for (std::int64_t row = 0; row < rows; ++row) {
    softmax_row(first + row * length, length, scale, buffer, padded);
    // The padding held what the last row left there.
    for (std::int64_t i = length; i < padded; ++i) buffer[i] = -3.4e38f;
  }
}

}  // namespace

LIVEEDIT_CPU_CLONES void softmax_rows_f32(float* first, std::int64_t rows, std::int64_t length, float scale,
                                          float* buffer, std::int64_t padded) {
  softmax_rows(first, rows, length, scale, buffer, padded);
}

LIVEEDIT_CPU_CLONES void softmax_rows_bf16(Bf16* first, std::int64_t rows, std::int64_t length, float scale,
                                           float* buffer, std::int64_t padded) {
  softmax_rows(first, rows, length, scale, buffer, padded);
}

void softmax_in_place(const at::Tensor& scores, std::int64_t row, float scale) {
  const std::int64_t rows = scores.numel() / row;
  const std::int64_t padded = (row + kLanes - 1) / kLanes * kLanes;
  void* data = scores.data_ptr();
  const bool is_float = scores.scalar_type() == at::kFloat;
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / row);
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> buffer(padded);
    if (is_float) {
      softmax_rows_f32(static_cast<float*>(data) + begin * row, end - begin, row, scale, buffer.data(), padded);
    } else {
      softmax_rows_bf16(static_cast<Bf16*>(data) + begin * row, end - begin, row, scale, buffer.data(), padded);
    }
  });
}

}  // namespace liveedit::networks::cpu
