// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace liveedit::weights {

// The folders of $LIVEEDIT_MODELS (separated by ':').
std::vector<std::filesystem::path> chosen_model_folders();

// Where models lie without anybody's choice: liveedit/models beside the library, or under share/ of the prefix it is
// installed in, then models/ of the source tree.
std::vector<std::filesystem::path> installed_model_folders();

// $XDG_DATA_HOME/liveedit/models, else ~/.local/share/liveedit/models; empty where there is no home.
std::filesystem::path user_model_folder();

// For messages: "a, b, c".
std::string joined_paths(const std::vector<std::filesystem::path>& paths);

// A network that is one safetensors file.
struct WantedFile {
  std::vector<std::string> names;  // the first that is there is taken
  std::string what;                // "matting weights"
  std::string advice;              // how to get it: a whole sentence
};

// Where `asked` lies:
//   ""        one of the names in a folder of $LIVEEDIT_MODELS, the user's, or the installed ones
//   a folder  one of the names in it
//   a file    absolute, relative, from ~/, or a name in a folder of $LIVEEDIT_MODELS
// Throws Error: kNotFound with all places searched and the advice, kBadModel for a pickle file.
std::filesystem::path locate_file(const std::string& asked, const WantedFile& wanted);

}  // namespace liveedit::weights
