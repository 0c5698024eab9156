// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as the body of POST /edit: refused with Error, or a picture's bytes, a share from 0 to 1 and parameters
// that are a JSON object.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "server/session/edit_requests.h"
#include "streaming/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto request = liveedit::server::parse_edit_request({reinterpret_cast<const char*>(data), size});
    if (request.image.empty() || request.image.size() > size || request.reference.size() > size) std::abort();
    if (!(request.blend >= 0 && request.blend <= 1)) std::abort();
    if (!nlohmann::json::parse(request.parameters, nullptr, false).is_object()) std::abort();
  } catch (const liveedit::streaming::Error& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
