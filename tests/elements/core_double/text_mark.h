// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace liveedit::testing {

// One byte by which a test tells with which text a picture was made; never 0.
inline std::uint8_t text_mark(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
  return static_cast<std::uint8_t>(1 + hash % 255);
}

}  // namespace liveedit::testing
