// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bit>
#include <cstdint>

#include "core/kernels/cpu/instruction_sets.h"

namespace liveedit::networks::cpu {

// bfloat16 is the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

LIVEEDIT_INLINE float load(const float& value) {
  return value;
}
LIVEEDIT_INLINE float load(const Bf16& value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
LIVEEDIT_INLINE void store(float value, float& to) {
  to = value;
}
// Rounds to nearest, ties to even.
LIVEEDIT_INLINE void store(float value, Bf16& to) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  to.bits = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// e^x to about 1e-7 relative, for x clamped to -87..88; NaN gives NaN.
LIVEEDIT_INLINE float exp_clamped(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  // Minimax polynomial of e^r (Cephes' expf).
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) + 127u) << 23;
  return p * std::bit_cast<float>(exponent);
}

}  // namespace liveedit::networks::cpu
