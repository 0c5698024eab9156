// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "core/api/frame_view.h"
#include "core/kernels/blend.h"
#include "core/kernels/element.h"

#ifdef __CUDACC__
#define LIVEEDIT_HOST_DEVICE __host__ __device__
#else
#define LIVEEDIT_HOST_DEVICE
#endif

// The arithmetic of one pixel, written once for the CPU and for CUDA. Both compile it without contraction to fused
// multiply-adds, so both give the same bits. Branch-free, so that compilers vectorise the loops around it.
namespace liveedit::kernels {

// Y'CbCr <-> R'G'B' with all values in 0..255 (ITU-R BT.601-7, BT.709-6, BT.2020-2).
struct YuvCoefficients {
  float kr, kg, kb;                           // luma weights
  float red_cr, green_cb, green_cr, blue_cb;  // R = Y + red_cr * Cr ...
  float cb_scale, cr_scale;                   // Cb = (B - Y) * cb_scale ...
  float luma_offset;
  float luma_range, chroma_range;  // full-range value * range / 255 = coded value
  float luma_gain, chroma_gain;    // the inverse
};

inline YuvCoefficients yuv_coefficients(YuvMatrix matrix, bool full_range) {
  double kr = 0.299;
  double kb = 0.114;
  if (matrix == YuvMatrix::kBt709) {
    kr = 0.2126;
    kb = 0.0722;
  } else if (matrix == YuvMatrix::kBt2020) {
    kr = 0.2627;
    kb = 0.0593;
  }
  const double kg = 1 - kr - kb;
  const double luma = full_range ? 1.0 : 219.0 / 255.0;
  const double chroma = full_range ? 1.0 : 224.0 / 255.0;
  YuvCoefficients c{};
  c.kr = static_cast<float>(kr);
  c.kg = static_cast<float>(kg);
  c.kb = static_cast<float>(kb);
  c.red_cr = static_cast<float>(2 * (1 - kr));
  c.blue_cb = static_cast<float>(2 * (1 - kb));
  c.green_cr = static_cast<float>(-2 * kr * (1 - kr) / kg);
  c.green_cb = static_cast<float>(-2 * kb * (1 - kb) / kg);
  c.cb_scale = static_cast<float>(0.5 / (1 - kb));
  c.cr_scale = static_cast<float>(0.5 / (1 - kr));
  c.luma_offset = full_range ? 0.0f : 16.0f;
  c.luma_range = static_cast<float>(luma);
  c.chroma_range = static_cast<float>(chroma);
  c.luma_gain = static_cast<float>(1 / luma);
  c.chroma_gain = static_cast<float>(1 / chroma);
  return c;
}

// A comparison with NaN is false: NaN becomes 0.
LIVEEDIT_HOST_DEVICE inline float clamp_byte(float value) {
  const float low = value > 0.0f ? value : 0.0f;
  return low < 255.0f ? low : 255.0f;
}

// Round half to even of 0..255: adding 1.5 * 2^23 leaves the integer in the low bits of the mantissa.
LIVEEDIT_HOST_DEVICE inline std::uint8_t round_byte(float value) {
  const float shifted = clamp_byte(value) + 12582912.0f;
  std::uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return static_cast<std::uint8_t>(bits);
}

LIVEEDIT_HOST_DEVICE inline int edit_weight(Blend blend, std::uint8_t alpha) {
  return blend == Blend::kByInverseAlpha ? 255 - alpha : alpha;
}

// (edited * weight + original * (255 - weight)) / 255, rounded; exactly `original` at weight 0 and `edited` at 255.
LIVEEDIT_HOST_DEVICE inline std::uint8_t blend_byte(std::uint8_t edited, std::uint8_t original, int weight) {
  const int sum = edited * weight + original * (255 - weight) + 128;
  return static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
}

// 0..255 <-> -1..1
LIVEEDIT_HOST_DEVICE inline float to_signed_unit(float value) {
  return value * (1.0f / 127.5f) - 1.0f;
}
LIVEEDIT_HOST_DEVICE inline float to_byte_range(float value) {
  return (value + 1.0f) * 127.5f;
}

// Chroma as MPEG-2 sites it, of the four samples around a luma sample: `near_row` weighs 3, `far_row` 1 (the luma rows
// lie at a quarter and three quarters between chroma rows); columns weigh the same (an even luma column passes one
// sample twice).
LIVEEDIT_HOST_DEVICE inline float blend_chroma(int near_left, int near_right, int far_left, int far_right) {
  return static_cast<float>(3 * (near_left + near_right) + far_left + far_right) * 0.125f;
}

// The three of a pixel, R'G'B' in 0..255.
LIVEEDIT_HOST_DEVICE inline void yuv_to_rgb(const YuvCoefficients& c, float y, float cb, float cr, float rgb[3]) {
  const float luma = (y - c.luma_offset) * c.luma_gain;
  const float blue_difference = (cb - 128.0f) * c.chroma_gain;
  const float red_difference = (cr - 128.0f) * c.chroma_gain;
  rgb[0] = clamp_byte(luma + c.red_cr * red_difference);
  rgb[1] = clamp_byte(luma + c.green_cb * blue_difference + c.green_cr * red_difference);
  rgb[2] = clamp_byte(luma + c.blue_cb * blue_difference);
}

LIVEEDIT_HOST_DEVICE inline float luma_of(const YuvCoefficients& c, float red, float green, float blue) {
  return c.kr * red + c.kg * green + c.kb * blue;
}

LIVEEDIT_HOST_DEVICE inline std::uint8_t coded_luma(const YuvCoefficients& c, float luma) {
  return round_byte(luma * c.luma_range + c.luma_offset);
}

LIVEEDIT_HOST_DEVICE inline std::uint8_t coded_chroma(const YuvCoefficients& c, float difference, float scale) {
  return round_byte(difference * scale * c.chroma_range + 128.0f);
}

// The stored forms of a network's numbers, as bits, so that no compiler support for them is needed. A number is NaN or
// infinite where all bits of kExponent are set.
struct StoredF32 {
  using Bits = float;
  using Raw = std::uint32_t;
  static constexpr Raw kExponent = 0x7f800000u;
  LIVEEDIT_HOST_DEVICE static float load(Bits bits) { return bits; }
  LIVEEDIT_HOST_DEVICE static Bits store(float value) { return value; }
};

struct StoredBf16 {
  using Bits = std::uint16_t;
  using Raw = Bits;
  static constexpr Raw kExponent = 0x7f80u;
  LIVEEDIT_HOST_DEVICE static float load(Bits bits) {
    const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
  // Round half to even. Precondition: finite.
  LIVEEDIT_HOST_DEVICE static Bits store(float value) {
    std::uint32_t wide;
    std::memcpy(&wide, &value, sizeof wide);
    return static_cast<Bits>((wide + 0x7fffu + ((wide >> 16) & 1u)) >> 16);
  }
};

struct StoredF16 {
  using Bits = std::uint16_t;
  using Raw = Bits;
  static constexpr Raw kExponent = 0x7c00u;
  // Shifts the exponent into place and scales by 2^112, which also makes subnormals right. NaN and Inf become large
  // numbers.
  LIVEEDIT_HOST_DEVICE static float load(Bits bits) {
    const std::uint32_t magnitude = static_cast<std::uint32_t>(bits & 0x7fffu) << 13;
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    float value;
    std::memcpy(&value, &magnitude, sizeof value);
    value *= 5192296858534827628530496329220096.0f;  // 2^112
    std::uint32_t wide;
    std::memcpy(&wide, &value, sizeof wide);
    wide |= sign;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
  // Round half to even. Precondition: |value| < 65504. Below 2^-14 the sum with 0.5 rounds at the subnormals' step.
  LIVEEDIT_HOST_DEVICE static Bits store(float value) {
    std::uint32_t wide;
    std::memcpy(&wide, &value, sizeof wide);
    const std::uint32_t sign = (wide >> 16) & 0x8000u;
    const std::uint32_t magnitude = wide & 0x7fffffffu;
    const std::uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
    float positive;
    std::memcpy(&positive, &magnitude, sizeof positive);
    const float sum = positive + 0.5f;
    std::uint32_t sum_bits;
    std::memcpy(&sum_bits, &sum, sizeof sum_bits);
    const std::uint32_t subnormal = sum_bits - 0x3f000000u;
    return static_cast<Bits>(sign | (magnitude < 0x38800000u ? subnormal : normal));
  }
};

// Calls `work` with the stored form of `element`.
template <typename Work>
void by_stored(Element element, Work&& work) {
  visit_element<StoredF32, StoredF16, StoredBf16>(element, work);
}

}  // namespace liveedit::kernels
