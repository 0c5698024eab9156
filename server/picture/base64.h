// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace liveedit::server {

// RFC 4648 section 4, with padding.
std::string encode_base64(std::string_view bytes);
// false: it is none. Line ends are passed over, and padding may be missing.
bool decode_base64(std::string_view text, std::string* bytes);

}  // namespace liveedit::server
