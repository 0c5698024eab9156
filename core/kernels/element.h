// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

namespace liveedit::kernels {

// How the numbers of a tensor are stored: IEEE 754 single, half, and bfloat16.
enum class Element { kF32, kF16, kBf16 };

constexpr std::size_t element_bytes(Element element) {
  return element == Element::kF32 ? 4 : 2;
}

}  // namespace liveedit::kernels
