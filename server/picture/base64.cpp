// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/base64.h"

#include <array>
#include <cstdint>

namespace liveedit::server {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 255;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}

constexpr std::array<uint8_t, 256> kValues = make_values();

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) {
      const bool real = at + i <= bytes.size();
      text += real ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

bool decode_base64(std::string_view text, std::string* bytes) {
  bytes->clear();
  bytes->reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int digits = 0, padding = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n') continue;
    if (c == '=') {
      if (++padding > 2) return false;
      continue;
    }
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNoDigit || padding > 0) return false;
    group = group << 6 | value;
    if (++digits == 4) {
      for (int shift = 16; shift >= 0; shift -= 8) bytes->push_back(static_cast<char>(group >> shift));
      digits = 0;
      group = 0;
    }
  }
  if (digits == 1 || (padding > 0 && digits + padding != 4)) return false;
  for (int i = 0; i + 1 < digits; ++i) bytes->push_back(static_cast<char>(group << 6 * (4 - digits) >> (16 - 8 * i)));
  return true;
}

}  // namespace liveedit::server
