// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>
#include <cstring>

#include "core/kernels/frame_convert.h"

namespace liveedit::kernels {
namespace {

// A number is NaN or infinite where all bits of its exponent are set.
template <typename Bits, Bits kExponent>
std::uint64_t count(const void* data, std::uint64_t length) {
  const auto* values = static_cast<const Bits*>(data);
  std::uint64_t found = 0;
  while (length > 0) {
    const std::uint32_t block = length < 65536 ? static_cast<std::uint32_t>(length) : 65536;
    std::uint32_t in_block = 0;
    for (std::uint32_t i = 0; i < block; ++i) in_block += (values[i] & kExponent) == kExponent;
    found += in_block;
    values += block;
    length -= block;
  }
  return found;
}

}  // namespace

std::uint64_t count_non_finite_cpu(const void* data, Element element, std::uint64_t length) {
  switch (element) {
    case Element::kF32:
      return count<std::uint32_t, 0x7f800000u>(data, length);
    case Element::kF16:
      return count<std::uint16_t, 0x7c00u>(data, length);
    case Element::kBf16:
      return count<std::uint16_t, 0x7f80u>(data, length);
  }
  return 0;
}

}  // namespace liveedit::kernels
