// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/hugging_face_cache.h"

#include <algorithm>
#include <cstdlib>

#include "core/api/error.h"
#include "core/weights/bounded_file.h"

namespace liveedit::weights {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestRef = 256;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// One component of a path that leads nowhere else.
bool is_plain_name(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && !text.starts_with('.') && std::all_of(text.begin(), text.end(), allowed);
}

// Names joined by '/', as a revision may be (refs/pr/1).
bool is_plain_path(const std::string& text) {
  std::size_t start = 0;
  while (true) {
    const std::size_t slash = text.find('/', start);
    if (!is_plain_name(text.substr(start, slash == std::string::npos ? slash : slash - start))) return false;
    if (slash == std::string::npos) return true;
    start = slash + 1;
  }
}

// The commit that a ref names, or nothing.
std::string read_ref(const fs::path& file) {
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return "";
  std::string commit = read_text_file(file, kLargestRef);
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r' || commit.back() == ' ')) commit.pop_back();
  return is_plain_name(commit) ? commit : "";
}

std::optional<fs::path> newest_folder(const fs::path& folder) {
  std::optional<fs::path> newest;
  fs::file_time_type newest_time;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (!entry.is_directory(none)) continue;
    const fs::file_time_type time = entry.last_write_time(none);
    if (newest && time <= newest_time) continue;
    newest = entry.path();
    newest_time = time;
  }
  return newest;
}

}  // namespace

fs::path expand_home(const std::string& path) {
  const std::string home = environment("HOME");
  if (home.empty() || (path != "~" && !path.starts_with("~/"))) return path;
  return fs::path(home) / path.substr(std::min<std::size_t>(path.size(), 2));
}

std::optional<HuggingFaceId> HuggingFaceId::parse(const std::string& text) {
  HuggingFaceId id;
  const std::size_t at = text.find('@');
  id.repository = text.substr(0, at);
  if (at != std::string::npos) {
    id.revision = text.substr(at + 1);
    if (!is_plain_path(id.revision)) return std::nullopt;
  }
  if (!is_plain_path(id.repository) || std::count(id.repository.begin(), id.repository.end(), '/') > 1) {
    return std::nullopt;
  }
  return id;
}

fs::path hugging_face_cache() {
  if (const std::string hub = environment("HF_HUB_CACHE"); !hub.empty()) return expand_home(hub);
  if (const std::string home = environment("HF_HOME"); !home.empty()) return expand_home(home) / "hub";
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty()) {
    return expand_home(cache) / "huggingface" / "hub";
  }
  return expand_home("~/.cache/huggingface/hub");
}

std::optional<fs::path> find_in_hugging_face_cache(const HuggingFaceId& id, std::vector<fs::path>& searched) {
  std::string folder_name = "models--" + id.repository;
  if (const std::size_t slash = folder_name.find('/'); slash != std::string::npos) folder_name.replace(slash, 1, "--");
  const fs::path repository = hugging_face_cache() / folder_name;
  const fs::path snapshots = repository / "snapshots";
  searched.push_back(snapshots);
  std::string commit = read_ref(repository / "refs" / (id.revision.empty() ? "main" : id.revision));
  // A revision that is no ref can only be a commit.
  if (commit.empty() && is_plain_name(id.revision)) commit = id.revision;
  std::error_code none;
  if (!commit.empty() && fs::is_directory(snapshots / commit, none)) return snapshots / commit;
  if (!id.revision.empty()) return std::nullopt;
  return newest_folder(snapshots);
}

}  // namespace liveedit::weights
