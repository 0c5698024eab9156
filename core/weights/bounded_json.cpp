// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/bounded_json.h"

#include <nlohmann/json.hpp>

#include "core/api/error.h"

namespace liveedit::weights {

nlohmann::json parse_json_object(const std::string& text, const std::filesystem::path& named) {
  const auto refuse_depth = [&named](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDeepestJson) {
      throw Error(ErrorKind::kBadModel,
                  named.string() + " is nested deeper than " + std::to_string(kDeepestJson) + " levels.");
    }
    return true;
  };
  nlohmann::json value;
  try {
    value = nlohmann::json::parse(text, refuse_depth);
  } catch (const nlohmann::json::exception& problem) {
    throw Error(ErrorKind::kBadModel, named.string() + " is not valid JSON: " + problem.what() + ".");
  }
  if (!value.is_object()) {
    throw Error(ErrorKind::kBadModel, named.string() + " holds a JSON " + value.type_name() + ", expected an object.");
  }
  return value;
}

}  // namespace liveedit::weights
