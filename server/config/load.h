// SPDX-License-Identifier: LGPL-2.1-or-later
// From a YAML file, the environment and the command line to a Config. Later sources win: defaults, file, environment,
// command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/config/config.h"

namespace liveedit::server {

struct ConfigSources {
  std::string file;                                               // path; empty: none
  std::vector<std::string> environment;                           // "NAME=value"
  std::vector<std::pair<std::string, std::string>> command_line;  // key, value
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> problems;  // sentences, those of the file with "file:line: " in front; none: it can be used
  std::vector<std::string> notes;     // what is understood and has no effect here
};

// Never throws for what the sources hold.
LoadedConfig load_config(const ConfigSources& sources);

// What load_config does with the file's text. `name` stands in messages.
void read_yaml(const std::string& name, const std::string& text, LoadedConfig* loaded);

// The file that the environment names (LIVEEDIT_CONFIG_FILE, STREAMDIFFUSION_CONFIG_FILE); empty: none.
std::string config_file_of(const std::vector<std::string>& environment);

// Everything as YAML, with what each key means; secrets are hidden.
std::string config_text(const Config& config);

}  // namespace liveedit::server
