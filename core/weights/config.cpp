// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/config.h"

#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/bounded_file.h"
#include "core/weights/bounded_json.h"

namespace liveedit::weights {

using nlohmann::json;

namespace {

constexpr std::uint64_t kLargestConfig = 10'000'000;

[[noreturn]] void refuse(const Config& config, const std::string& where, const std::string& expected,
                         const json* found) {
  std::string text = config.file().string() + ": '" + where + "' ";
  if (found == nullptr) {
    text += "is missing, expected " + expected + ".";
  } else {
    std::string shown = found->dump(-1, ' ', false, json::error_handler_t::replace);
    if (shown.size() > 80) shown = shown.substr(0, 80) + "...";
    text += "is " + shown + ", expected " + expected + ".";
  }
  throw Error(ErrorKind::kBadModel, text);
}

// nullptr where the key is missing or null.
const json* lookup(const json& object, const std::string& key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool fits_integer(const json& value) {
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }
  return value.is_number_integer();
}

bool is_number(const json& value) {
  return value.is_number();
}
bool is_boolean(const json& value) {
  return value.is_boolean();
}
bool is_string(const json& value) {
  return value.is_string();
}

constexpr const char* kInteger = "an integer";
constexpr const char* kNumber = "a number";
constexpr const char* kBoolean = "true or false";
constexpr const char* kString = "a string";

// One value of the wanted type, or nothing where the key is missing.
template <class T>
std::optional<T> scalar(const Config& config, const std::string& where, const std::string& key,
                        bool (*fits)(const json&), const char* expected) {
  const json* found = lookup(config.json(), key);
  if (found == nullptr) return std::nullopt;
  if (!fits(*found)) refuse(config, where, expected, found);
  return found->get<T>();
}

template <class T>
std::vector<T> list(const Config& config, const std::string& where, const std::string& key, bool (*fits)(const json&),
                    const char* expected) {
  const std::string wanted = std::string("a list, each value ") + expected;
  const json* found = lookup(config.json(), key);
  if (found == nullptr) refuse(config, where, wanted, nullptr);
  if (!found->is_array()) refuse(config, where, wanted, found);
  std::vector<T> values;
  for (const json& value : *found) {
    if (!fits(value)) refuse(config, where, wanted, found);
    values.push_back(value.get<T>());
  }
  return values;
}

template <class T>
std::vector<T> each(const Config& config, const std::string& where, const std::string& key, std::size_t count,
                    T fallback, bool (*fits)(const json&), const char* expected) {
  const json* found = lookup(config.json(), key);
  if (found == nullptr) return std::vector<T>(count, fallback);
  const std::string wanted =
      std::string(expected) + " or a list of " + std::to_string(count) + ", each value " + expected;
  if (fits(*found)) return std::vector<T>(count, found->get<T>());
  if (!found->is_array() || found->size() != count) refuse(config, where, wanted, found);
  return list<T>(config, where, key, fits, expected);
}

}  // namespace

Config::Config(std::filesystem::path file, std::shared_ptr<const nlohmann::json> json, std::string path)
    : file_(std::move(file)), json_(std::move(json)), path_(std::move(path)) {}

Config Config::load(const std::filesystem::path& file) {
  return parse(read_text_file(file, kLargestConfig), file);
}

Config Config::parse(const std::string& text, const std::filesystem::path& named) {
  return Config(named, std::make_shared<const nlohmann::json>(parse_json_object(text, named)), "");
}

bool Config::has(const std::string& key) const {
  return lookup(*json_, key) != nullptr;
}

std::int64_t Config::integer(const std::string& key) const {
  const auto value = scalar<std::int64_t>(*this, path_ + key, key, fits_integer, kInteger);
  if (!value) refuse(*this, path_ + key, kInteger, nullptr);
  return *value;
}

std::int64_t Config::integer(const std::string& key, std::int64_t fallback) const {
  return scalar<std::int64_t>(*this, path_ + key, key, fits_integer, kInteger).value_or(fallback);
}

double Config::number(const std::string& key) const {
  const auto value = scalar<double>(*this, path_ + key, key, is_number, kNumber);
  if (!value) refuse(*this, path_ + key, kNumber, nullptr);
  return *value;
}

double Config::number(const std::string& key, double fallback) const {
  return scalar<double>(*this, path_ + key, key, is_number, kNumber).value_or(fallback);
}

bool Config::boolean(const std::string& key, bool fallback) const {
  return scalar<bool>(*this, path_ + key, key, is_boolean, kBoolean).value_or(fallback);
}

std::string Config::string(const std::string& key) const {
  auto value = scalar<std::string>(*this, path_ + key, key, is_string, kString);
  if (!value) refuse(*this, path_ + key, kString, nullptr);
  return *std::move(value);
}

std::string Config::string(const std::string& key, const std::string& fallback) const {
  return scalar<std::string>(*this, path_ + key, key, is_string, kString).value_or(fallback);
}

std::vector<std::int64_t> Config::integers(const std::string& key) const {
  return list<std::int64_t>(*this, path_ + key, key, fits_integer, kInteger);
}

std::vector<double> Config::numbers(const std::string& key) const {
  return list<double>(*this, path_ + key, key, is_number, kNumber);
}

std::vector<bool> Config::booleans(const std::string& key) const {
  return list<bool>(*this, path_ + key, key, is_boolean, kBoolean);
}

std::vector<std::string> Config::strings(const std::string& key) const {
  return list<std::string>(*this, path_ + key, key, is_string, kString);
}

std::vector<std::int64_t> Config::integers_each(const std::string& key, std::size_t count,
                                                std::int64_t fallback) const {
  return each<std::int64_t>(*this, path_ + key, key, count, fallback, fits_integer, kInteger);
}

std::vector<bool> Config::booleans_each(const std::string& key, std::size_t count, bool fallback) const {
  return each<bool>(*this, path_ + key, key, count, fallback, is_boolean, kBoolean);
}

Config Config::object(const std::string& key) const {
  const nlohmann::json* found = lookup(*json_, key);
  if (found != nullptr && !found->is_object()) refuse(*this, path_ + key, "an object", found);
  auto inner = found == nullptr ? std::make_shared<const nlohmann::json>(nlohmann::json::object())
                                : std::make_shared<const nlohmann::json>(*found);
  return Config(file_, std::move(inner), path_ + key + ".");
}

}  // namespace liveedit::weights
