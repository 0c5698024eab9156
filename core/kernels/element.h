// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

namespace liveedit::kernels {

// How the numbers of a tensor are stored: IEEE 754 single, half, and bfloat16.
enum class Element { kF32, kF16, kBf16 };

constexpr std::size_t element_bytes(Element element) {
  return element == Element::kF32 ? 4 : 2;
}

// Calls `work` with a value of that of the three types which stands for `element`.
template <typename F32, typename F16, typename Bf16, typename Work>
void visit_element(Element element, Work&& work) {
  switch (element) {
    case Element::kF32:
      return work(F32{});
    case Element::kF16:
      return work(F16{});
    case Element::kBf16:
      return work(Bf16{});
  }
}

}  // namespace liveedit::kernels
