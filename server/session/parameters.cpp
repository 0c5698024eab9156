// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/parameters.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLargest = 9007199254740992.0;  // whole numbers up to here are exact in JSON

// What clients may ask for where that is less than what the element takes. The ranges are those that front-ends of this
// protocol know; what they show before a model is loaded is the last column.
struct Published {
  std::string_view name;
  double min, max;
  std::optional<double> shown_default;
};
constexpr Published kPublished[] = {
    {"guidance-scale", 1, 20, 7.5},
    {"num-inference-steps", 1, 50, 1},
    {"strength", 0, 1, 1},
    {"seed", -1, 2147483647, {}},
};

std::string text_of(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

bool is_number(const std::string& type) {
  return type == "integer" || type == "number";
}

std::optional<Value> to_value(const std::string& type, const Json& json) {
  if (type == "boolean" && json.is_boolean()) return json.get<bool>();
  if ((type == "string" || type == "choice") && json.is_string()) return json.get<std::string>();
  if (type == "number" && json.is_number()) return json.get<double>();
  // Forms send 4.0 for 4.
  if (type == "integer" && json.is_number()) {
    const double value = json.get<double>();
    if (std::abs(value) <= kLargest && value == std::floor(value)) return static_cast<int64_t>(value);
  }
  return {};
}

double number_of(const Value& value) {
  if (const int64_t* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  return std::get<double>(value);
}

std::optional<ParameterSpec> parse_spec(const Json& json) {
  ParameterSpec spec;
  spec.name = text_of(json, "name");
  spec.key = spec.name;
  std::replace(spec.key.begin(), spec.key.end(), '-', '_');
  spec.title = text_of(json, "title");
  spec.about = text_of(json, "about");
  spec.type = text_of(json, "type");
  if (spec.name.empty()) return {};
  if (is_number(spec.type)) {
    if (!json.value("min", Json()).is_number() || !json.value("max", Json()).is_number()) return {};
    spec.min = std::max(json["min"].get<double>(), -kLargest);
    spec.max = std::min(json["max"].get<double>(), kLargest);
  }
  const auto value = json.contains("default") ? to_value(spec.type, json["default"]) : std::nullopt;
  if (!value) return {};
  spec.element_default = spec.shown_default = *value;
  if (const auto choices = json.find("choices"); choices != json.end()) {
    for (const Json& choice : *choices) spec.choices.push_back(text_of(choice, "value"));
  }
  for (const Published& published : kPublished) {
    if (published.name != spec.name) continue;
    spec.min = std::max(spec.min, published.min);
    spec.max = std::min(spec.max, published.max);
    if (published.shown_default)
      spec.shown_default = spec.type == "integer" ? Value(static_cast<int64_t>(*published.shown_default))
                                                  : Value(*published.shown_default);
  }
  return spec;
}

std::string wrong_value(const ParameterSpec& spec, const Json& json, size_t text_bytes, Value* value) {
  const auto read = to_value(spec.type, json);
  if (!read)
    return spec.key + " is a " +
           (spec.type == "integer"  ? "whole number"
            : spec.type == "choice" ? "text"
                                    : spec.type) +
           ".";
  if (is_number(spec.type) && *read != spec.element_default) {
    const double number = number_of(*read);
    if (!(number >= spec.min && number <= spec.max))
      return spec.key + " is a number from " + Json(spec.min).dump() + " to " + Json(spec.max).dump() + ".";
  }
  if (const std::string* text = std::get_if<std::string>(&*read)) {
    if (text->size() > text_bytes) return spec.key + " has " + std::to_string(text_bytes) + " bytes at most.";
    if (text->find('\0') != std::string::npos) return spec.key + " has a character that is no text.";
    if (spec.type == "choice" && std::find(spec.choices.begin(), spec.choices.end(), *text) == spec.choices.end()) {
      std::string listed;
      for (const std::string& choice : spec.choices) listed += (listed.empty() ? "" : ", ") + choice;
      return spec.key + " is one of " + listed + ".";
    }
  }
  *value = *read;
  return {};
}

Json to_json(const Value& value) {
  return std::visit([](const auto& plain) { return Json(plain); }, value);
}

const char* field_of(const ParameterSpec& spec) {
  if (spec.name == "seed") return "seed";
  if (spec.type == "boolean") return "checkbox";
  if (spec.type == "choice") return "select";
  if (is_number(spec.type)) return "range";
  return spec.name.ends_with("prompt") ? "textarea" : "input";
}

Json describe(const ParameterSpec& spec) {
  Json json = {{"default", to_json(spec.shown_default)},
               {"title", spec.title},
               {"description", spec.about},
               {"type", spec.type == "choice" ? "string" : spec.type},
               {"field", field_of(spec)},
               {"id", spec.key}};
  if (is_number(spec.type)) {
    json["min"] = spec.min;
    json["max"] = spec.max;
    json["step"] = spec.type == "integer" ? 1 : spec.max - spec.min > 2 ? 0.1 : 0.01;
  }
  if (spec.type == "choice") json["values"] = spec.choices;
  return json;
}

Json hidden_size(const char* title, const char* id, int pixels) {
  return {{"default", pixels}, {"title", title}, {"type", "integer"}, {"field", "input"},
          {"id", id},          {"hide", true},   {"disabled", true}};
}

}  // namespace

ParameterTable::ParameterTable(std::string_view described) {
  const Json json = Json::parse(described, nullptr, false);
  if (!json.is_array()) return;
  for (const Json& entry : json) {
    if (!entry.is_object()) continue;
    if (auto spec = parse_spec(entry)) specs_.push_back(std::move(*spec));
  }
}

void ParameterTable::show_defaults_of(std::string_view facts) {
  const Json json = Json::parse(facts, nullptr, false);
  if (!json.is_object()) return;
  for (ParameterSpec& spec : specs_) {
    const auto fact = json.find("model-" + spec.name);
    if (fact == json.end()) continue;
    const auto value = to_value(spec.type, *fact);
    if (value && is_number(spec.type) && number_of(*value) >= spec.min && number_of(*value) <= spec.max)
      spec.shown_default = *value;
  }
}

void ParameterTable::add(ParameterSpec spec) {
  std::erase_if(specs_, [&](const ParameterSpec& other) { return other.key == spec.key; });
  specs_.push_back(std::move(spec));
}

bool ParameterTable::has(std::string_view name) const {
  return std::any_of(specs_.begin(), specs_.end(), [&](const auto& spec) { return spec.name == name; });
}

const ParameterSpec* ParameterTable::find(std::string_view key) const {
  const auto found = std::find_if(specs_.begin(), specs_.end(), [&](const auto& spec) { return spec.key == key; });
  return found == specs_.end() ? nullptr : &*found;
}

std::string ParameterTable::read(std::string_view text, size_t text_bytes, Parameters* parameters) const {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return "The parameters are not a JSON object.";
  Parameters read;
  for (const auto& [key, value] : json.items()) {
    const ParameterSpec* spec = find(key);
    if (!spec || value.is_null()) continue;
    const std::string wrong = wrong_value(*spec, value, text_bytes, &read[spec->name]);
    if (!wrong.empty()) return wrong;
  }
  for (auto& [name, value] : read) (*parameters)[name] = std::move(value);
  return {};
}

std::string settings_json(const ParameterTable& table, const SettingsFacts& facts) {
  Json properties = Json::object();
  for (const ParameterSpec& spec : table.specs()) {
    if (facts.input_mode != kFromText) {
      properties[spec.key] = describe(spec);
    } else if (spec.name != kStrengthName) {
      properties[spec.key] = describe(spec);
      if (spec.name == kSeedName) properties[spec.key]["default"] = -1;
    }
  }
  properties["width"] = hidden_size("Width", "width", facts.width);
  properties["height"] = hidden_size("Height", "height", facts.height);
  const Json info = {
      {"name", {{"default", "gst-liveedit"}, {"title", "Name"}, {"type", "string"}}},
      {"title", "gst-liveedit"},
      {"input_mode", {{"default", facts.input_mode}, {"title", "Input Mode"}, {"type", "string"}}},
      {"modes", {{"default", "full"}, {"title", "Mode"}, {"type", "string"}, {"values", facts.modes}}},
  };
  const Json body = {{"input_params", {{"title", "InputParams"}, {"type", "object"}, {"properties", properties}}},
                     {"info", {{"title", "Info"}, {"type", "object"}, {"properties", info}}},
                     {"max_queue_size", facts.max_queue_size},
                     {"page_content", "<h1>gst-liveedit</h1>"}};
  return body.dump();
}

}  // namespace liveedit::server
