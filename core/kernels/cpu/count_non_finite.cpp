// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>

#include "core/kernels/frame_convert.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {
namespace {

template <typename Stored>
std::uint64_t count(const void* data, std::uint64_t length) {
  const auto* values = static_cast<const typename Stored::Raw*>(data);
  std::uint64_t found = 0;
  while (length > 0) {
    const std::uint32_t block = length < 65536 ? static_cast<std::uint32_t>(length) : 65536;
    std::uint32_t in_block = 0;
    for (std::uint32_t i = 0; i < block; ++i) in_block += (values[i] & Stored::kExponent) == Stored::kExponent;
    found += in_block;
    values += block;
    length -= block;
  }
  return found;
}

}  // namespace

std::uint64_t count_non_finite_cpu(const void* data, Element element, std::uint64_t length) {
  std::uint64_t found = 0;
  by_stored(element, [&]<typename Stored>(Stored) { found = count<Stored>(data, length); });
  return found;
}

}  // namespace liveedit::kernels
