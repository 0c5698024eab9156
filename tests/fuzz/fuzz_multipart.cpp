// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a form with a file, the first line being its Content-Type: nothing, or a part of the body that ends
// where the boundary begins.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/edge/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view type = input.substr(0, line), body = input.substr(std::min(line + 1, input.size()));
  for (const std::string_view name : {"file", "language", ""}) {
    const auto part = liveedit::server::form_part(body, type, name);
    if (!part) continue;
    if (part->data() == nullptr) continue;  // nothing between head and boundary
    if (part->data() < body.data() || part->data() + part->size() > body.data() + body.size()) std::abort();
    const std::string_view rest(part->data() + part->size(),
                                static_cast<std::size_t>(body.data() + body.size() - part->data() - part->size()));
    if (!rest.starts_with("\r\n--")) std::abort();
  }
  return 0;
}
