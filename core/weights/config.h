// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace liveedit::weights {

// A model's config.json. Every getter throws Error(kBadModel) that names the file, the key and what was expected where
// the key is missing (no fallback given) or of another type. A JSON null counts as missing.
class Config {
 public:
  static Config load(
      const std::filesystem::path& file);  // Error kNotFound / kBadModel; at most 10 MB, UTF-8 JSON object
  static Config parse(const std::string& json, const std::filesystem::path& named);

  const std::filesystem::path& file() const { return file_; }
  bool has(const std::string& key) const;  // present and not null

  std::int64_t integer(const std::string& key) const;
  std::int64_t integer(const std::string& key, std::int64_t fallback) const;
  double number(const std::string& key) const;
  double number(const std::string& key, double fallback) const;
  bool boolean(const std::string& key, bool fallback) const;
  std::string string(const std::string& key) const;
  std::string string(const std::string& key, const std::string& fallback) const;
  std::vector<std::int64_t> integers(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  std::vector<bool> booleans(const std::string& key) const;
  std::vector<std::string> strings(const std::string& key) const;

  // diffusers lets many keys be one value or a list with one value a block: always gives `count` values.
  std::vector<std::int64_t> integers_each(const std::string& key, std::size_t count, std::int64_t fallback) const;
  std::vector<bool> booleans_each(const std::string& key, std::size_t count, bool fallback) const;

  Config object(const std::string& key) const;  // a nested object; an empty one if missing

  const nlohmann::json& json() const { return *json_; }

 private:
  Config(std::filesystem::path file, std::shared_ptr<const nlohmann::json> json, std::string path);

  std::filesystem::path file_;
  std::shared_ptr<const nlohmann::json> json_;
  std::string path_;  // where in the file this object lies, for messages
};

}  // namespace liveedit::weights
