// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "server/config/load.h"

namespace liveedit::server {

struct CommandLine {
  ConfigSources sources;
  bool check = false, print = false, version = false;
};

// Throws Error (kSettings) where the arguments are not understood. --help prints and ends the program.
CommandLine read_command_line(int argc, char** argv);

// What the worker is started with. Throws Error (kNotFound) where the worker or the pipelines are not found.
std::vector<std::string> worker_command(const Config& config);

}  // namespace liveedit::server
