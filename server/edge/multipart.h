// SPDX-License-Identifier: LGPL-2.1-or-later
// multipart/form-data (RFC 7578), as browsers and programs send files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace liveedit::server {

// The content of the part called `name` in a body with this Content-Type; it points into `body`. Nothing where the body
// is not multipart, is cut off, or has no such part.
std::optional<std::string_view> form_part(std::string_view body, std::string_view content_type, std::string_view name);

}  // namespace liveedit::server
