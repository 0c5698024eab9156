// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys of the configuration: their types, ranges and meanings, told once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"

namespace liveedit::server {

struct Setting {
  std::string key;    // "server.port"
  std::string about;  // one sentence for docs and --print-config
  bool is_list = false;
  bool is_secret = false;
  // Reads the text(s) of a value; exactly one unless is_list. Gives what is wrong with it, as the end of a sentence
  // that begins with the key ("is a whole number from 1 to 100, not 0"), and then leaves `config` alone.
  std::function<std::string(const std::vector<std::string>& values, Config* config)> set = {};
  std::function<std::vector<std::string>(const Config& config)> get = {};
};

// All of them, section by section.
const std::vector<Setting>& settings();
// Null: there is none of that name.
const Setting* find_setting(std::string_view key);

}  // namespace liveedit::server
