// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace liveedit::weights {

// Deepest nesting that any of our JSON files may have; theirs is below 10.
inline constexpr int kDeepestJson = 64;

// Strict UTF-8 JSON whose top value is an object. Throws Error(kBadModel) that names the file and the place.
nlohmann::json parse_json_object(const std::string& text, const std::filesystem::path& named);

}  // namespace liveedit::weights
