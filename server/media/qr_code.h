// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::server {

// A QR code as SVG: dark squares on white with the quiet zone that scanners want. Throws Error (kSettings) where the
// text is longer than a code can hold (some 2300 bytes).
std::string qr_code_svg(const std::string& text);

}  // namespace liveedit::server
