// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/kernels/frame_fixture.h"

#include <cmath>
#include <cstring>
#include <random>

#include "core/kernels/frame_layout.h"

namespace liveedit::kernels::test {
namespace {

constexpr int kGuard = 13;

// IEEE 754 halves and bfloat16 by their definition, with the library's rounding (half to even).
double decode(Element element, const std::uint8_t* bytes) {
  if (element == Element::kF32) {
    float value;
    std::memcpy(&value, bytes, 4);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, bytes, 2);
  const int mantissa_bits = element == Element::kF16 ? 10 : 7;
  const int bias = element == Element::kF16 ? 15 : 127;
  const int exponent = (bits & 0x7fff) >> mantissa_bits;
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

void encode(Element element, double value, std::uint8_t* bytes) {
  if (element == Element::kF32) {
    const float narrow = static_cast<float>(value);
    std::memcpy(bytes, &narrow, 4);
    return;
  }
  const int mantissa_bits = element == Element::kF16 ? 10 : 7;
  const int bias = element == Element::kF16 ? 15 : 127;
  const double magnitude = std::fabs(value);
  int exponent = magnitude == 0 ? -bias : std::ilogb(magnitude);
  exponent = std::max(exponent, 1 - bias);
  const double scaled = std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent));
  // A mantissa that rounds up to the next power of two carries into the exponent by itself; subnormals lack the
  // implicit bit.
  auto bits = static_cast<std::uint16_t>(static_cast<int>(scaled) + ((exponent + bias - 1) << mantissa_bits));
  if (std::signbit(value)) bits |= 0x8000;
  std::memcpy(bytes, &bits, 2);
}

}  // namespace

std::string name_of(PixelFormat format) {
  static const char* const kNames[] = {"RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"};
  return kNames[static_cast<int>(format)];
}

OwnedFrame::OwnedFrame(PixelFormat format, int width, int height, std::uint8_t fill) : fill_(fill) {
  view_.format = format;
  view_.width = width;
  view_.height = height;
  std::size_t size = kGuard;
  std::size_t starts[3] = {};
  for (int plane = 0; plane < plane_count(format); ++plane) {
    view_.strides[plane] = static_cast<int>(plane_row_bytes(format, plane, width)) + 3 + 2 * plane;
    starts[plane] = size;
    size += static_cast<std::size_t>(view_.strides[plane]) * plane_rows(format, plane, height) + kGuard;
  }
  memory_.assign(size, fill);
  for (int plane = 0; plane < plane_count(format); ++plane) view_.planes[plane] = memory_.data() + starts[plane];
}

FrameView OwnedFrame::view_at(void* base, MemoryKind memory) const {
  FrameView moved = view_;
  moved.memory = memory;
  for (int plane = 0; plane < plane_count(view_.format); ++plane) {
    moved.planes[plane] = static_cast<std::uint8_t*>(base) + (view_.planes[plane] - memory_.data());
  }
  return moved;
}

void OwnedFrame::fill_random(std::uint32_t seed) {
  std::mt19937 generator(seed);
  for (int plane = 0; plane < plane_count(view_.format); ++plane) {
    for (int row = 0; row < plane_rows(view_.format, plane, view_.height); ++row) {
      std::uint8_t* bytes = view_.planes[plane] + static_cast<std::ptrdiff_t>(row) * view_.strides[plane];
      const std::size_t count = plane_row_bytes(view_.format, plane, view_.width);
      for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(generator());
    }
  }
}

std::uint8_t OwnedFrame::at(int plane, int row, int byte) const {
  return view_.planes[plane][static_cast<std::ptrdiff_t>(row) * view_.strides[plane] + byte];
}

bool OwnedFrame::guards_are_intact() const {
  std::vector<std::uint8_t> rest = memory_;
  for (int plane = 0; plane < plane_count(view_.format); ++plane) {
    for (int row = 0; row < plane_rows(view_.format, plane, view_.height); ++row) {
      const std::ptrdiff_t start =
          view_.planes[plane] - memory_.data() + static_cast<std::ptrdiff_t>(row) * view_.strides[plane];
      std::memset(rest.data() + start, fill_, plane_row_bytes(view_.format, plane, view_.width));
    }
  }
  return rest == std::vector<std::uint8_t>(memory_.size(), fill_);
}

bool OwnedFrame::same_picture(const OwnedFrame& other) const {
  for (int plane = 0; plane < plane_count(view_.format); ++plane) {
    const auto count = static_cast<int>(plane_row_bytes(view_.format, plane, view_.width));
    for (int row = 0; row < plane_rows(view_.format, plane, view_.height); ++row) {
      for (int byte = 0; byte < count; ++byte) {
        if (at(plane, row, byte) != other.at(plane, row, byte)) return false;
      }
    }
  }
  return true;
}

OwnedPicture::OwnedPicture(Element element, int height, int width)
    : memory_(3 * element_bytes(element) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width), 0xcd),
      tensor_{memory_.data(), element, height, width} {}

double OwnedPicture::value(int row, int column, int channel) const {
  const std::size_t index = 3 * (static_cast<std::size_t>(row) * tensor_.width + column) + channel;
  return decode(tensor_.element, memory_.data() + index * element_bytes(tensor_.element));
}

void OwnedPicture::set(int row, int column, int channel, double value) {
  const std::size_t index = 3 * (static_cast<std::size_t>(row) * tensor_.width + column) + channel;
  encode(tensor_.element, value, memory_.data() + index * element_bytes(tensor_.element));
}

void OwnedPicture::fill_random(std::uint32_t seed, double low, double high) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> values(low, high);
  for (int row = 0; row < tensor_.height; ++row) {
    for (int column = 0; column < tensor_.width; ++column) {
      for (int channel = 0; channel < 3; ++channel) set(row, column, channel, values(generator));
    }
  }
}

}  // namespace liveedit::kernels::test
