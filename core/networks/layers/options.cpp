// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/options.h"

#include <nlohmann/json.hpp>

#include "core/api/error.h"

namespace liveedit::networks {

void refuse_option(const weights::Config& config, const std::string& key, const std::string& supported) {
  const nlohmann::json& json = config.json();
  const auto found = json.find(key);
  const std::string value = found == json.end() ? "missing" : found->dump();
  throw Error(ErrorKind::kBadModel, config.file().string() + ": " + key + " is " + value +
                                        ", which is not supported; use a model where it is " + supported + ".");
}

void require_absent(const weights::Config& config, const std::string& key) {
  if (config.has(key)) refuse_option(config, key, "null");
}

void require_false(const weights::Config& config, const std::string& key) {
  if (config.boolean(key, false)) refuse_option(config, key, "false");
}

void require_string(const weights::Config& config, const std::string& key, const std::string& only) {
  if (config.string(key, only) != only) refuse_option(config, key, "\"" + only + "\"");
}

void require_divisible(const weights::Config& config, const std::string& key, std::int64_t whole, std::int64_t parts) {
  if (parts <= 0 || whole <= 0 || whole % parts != 0) {
    refuse_option(config, key, "a divisor of each block's channels (" + std::to_string(whole) + " here)");
  }
}

}  // namespace liveedit::networks
