// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/model_places.h"

#include <dlfcn.h>

#include <cstdlib>

#include "core/api/error.h"
#include "core/weights/hugging_face_cache.h"
#include "core/weights/pickle.h"

namespace liveedit::weights {

namespace fs = std::filesystem;

namespace {

// The folder of the library (or program) that holds this code.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&installed_model_folders), &info) == 0 || info.dli_fname == nullptr)
    return {};
  std::error_code none;
  return fs::absolute(info.dli_fname, none).parent_path();
}

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

bool is_folder(const fs::path& path) {
  std::error_code none;
  return fs::is_directory(path, none);
}

// The first of the names that lies in one of the folders; empty: none.
fs::path first_in(const std::vector<fs::path>& folders, const std::vector<std::string>& names,
                  std::vector<fs::path>& searched) {
  for (const fs::path& folder : folders) {
    for (const std::string& name : names) {
      searched.push_back(folder / name);
      if (is_file(searched.back())) return searched.back();
    }
  }
  return {};
}

}  // namespace

std::vector<fs::path> chosen_model_folders() {
  std::vector<fs::path> folders;
  const char* list = std::getenv("LIVEEDIT_MODELS");
  std::string rest = list == nullptr ? "" : list;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) folders.push_back(expand_home(rest.substr(0, colon)));
    rest.erase(0, colon + 1);
  }
  return folders;
}

std::vector<fs::path> installed_model_folders() {
  std::vector<fs::path> folders;
  if (const fs::path library = own_folder(); !library.empty()) {
    folders.push_back(library / "liveedit/models");
    // Installed, the library lies in PREFIX/lib/liveedit or PREFIX/lib/ARCHITECTURE/liveedit.
    for (const char* prefix : {"../..", "../../.."}) {
      folders.push_back((library / prefix / "share/liveedit/models").lexically_normal());
    }
  }
  folders.emplace_back(LIVEEDIT_SOURCE_MODELS);
  return folders;
}

fs::path user_model_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
    return fs::path(data) / "liveedit/models";
  }
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? fs::path() : fs::path(home) / ".local/share/liveedit/models";
}

std::string joined_paths(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) text += (text.empty() ? "" : ", ") + path.string();
  return text;
}

fs::path locate_file(const std::string& asked, const WantedFile& wanted) {
  std::vector<fs::path> searched;
  fs::path found;
  if (asked.empty()) {
    std::vector<fs::path> folders = chosen_model_folders();
    if (const fs::path user = user_model_folder(); !user.empty()) folders.push_back(user);
    for (const fs::path& folder : installed_model_folders()) folders.push_back(folder);
    found = first_in(folders, wanted.names, searched);
  } else {
    const fs::path path = fs::absolute(expand_home(asked)).lexically_normal();
    if (is_folder(path)) {
      found = first_in({path}, wanted.names, searched);
    } else {
      found = first_in({path.parent_path()}, {path.filename().string()}, searched);
      if (found.empty()) found = first_in(chosen_model_folders(), {asked}, searched);
    }
  }
  if (found.empty()) {
    throw Error(ErrorKind::kNotFound, "No " + wanted.what + (asked.empty() ? "" : " '" + asked + "'") +
                                          "; looked for " + joined_paths(searched) + ". " + wanted.advice);
  }
  if (is_pickle(found)) {
    throw Error(ErrorKind::kBadModel,
                found.string() + " is a pickle file, which can run code when it is read, so it is not opened. " +
                    wanted.advice);
  }
  return found;
}

}  // namespace liveedit::weights
