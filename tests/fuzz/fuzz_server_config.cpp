// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a configuration file: problems in words, or a configuration that is read again from what it prints.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveedit::server;  // NOLINT: what is tested
  LoadedConfig loaded;
  read_yaml("fuzz", std::string(reinterpret_cast<const char*>(data), size), &loaded);
  for (const std::string& problem : loaded.problems) {
    if (!problem.starts_with("fuzz:")) std::abort();
  }
  // Values that were refused have left their defaults.
  loaded.config.server.token.clear();  // it is printed as hidden
  const std::string text = config_text(loaded.config);
  LoadedConfig again;
  read_yaml("again", text, &again);
  if (!again.problems.empty() || config_text(again.config) != text) std::abort();
  return 0;
}
