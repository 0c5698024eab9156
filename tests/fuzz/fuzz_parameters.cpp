// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a client's parameters: refused with a sentence and nothing set, or every value is one that its property
// takes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/session/parameters.h"

namespace {

using namespace liveedit::server;  // NOLINT: what is tested

constexpr std::size_t kTextBytes = 64;
constexpr const char* kDescribed = R"([
  {"name": "prompt", "title": "Prompt", "about": "", "type": "string", "default": ""},
  {"name": "strength", "title": "Strength", "about": "", "type": "number", "default": -1, "min": 0, "max": 1},
  {"name": "seed", "title": "Seed", "about": "", "type": "integer", "default": 1, "min": -1, "max": 9e18},
  {"name": "enabled", "title": "Enabled", "about": "", "type": "boolean", "default": true},
  {"name": "cfg-type", "title": "CFG", "about": "", "type": "choice", "default": "none",
   "choices": [{"value": "none"}, {"value": "full"}]}])";

bool in_range(const ParameterSpec& spec, const Value& value) {
  if (value == spec.element_default) return true;
  if (const auto* text = std::get_if<std::string>(&value)) return text->size() <= kTextBytes;
  if (const auto* number = std::get_if<double>(&value)) return *number >= spec.min && *number <= spec.max;
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    return static_cast<double>(*whole) >= spec.min && static_cast<double>(*whole) <= spec.max;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ParameterTable table(kDescribed);
  if (table.specs().size() != 5) std::abort();
  Parameters parameters;
  const std::string wrong = table.read({reinterpret_cast<const char*>(data), size}, kTextBytes, &parameters);
  if (!wrong.empty() && !parameters.empty()) std::abort();
  for (const auto& [name, value] : parameters) {
    const ParameterSpec* spec = nullptr;
    for (const ParameterSpec& known : table.specs()) {
      if (known.name == name) spec = &known;
    }
    if (!spec || value.index() != spec->element_default.index() || !in_range(*spec, value)) std::abort();
  }
  return 0;
}
