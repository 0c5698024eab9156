// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/core_loader.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <gst/gst.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace liveedit::elements {
namespace {

constexpr const char* kCoreFile = "libliveedit-core.so";
constexpr const char* kCorePathVariable = "LIVEEDIT_CORE_PATH";

GstDebugCategory* core_category() {
  static GstDebugCategory* category = _gst_debug_category_new("liveedit-core", 0, "liveedit's inference core");
  return category;
}

GstDebugLevel debug_level(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return GST_LEVEL_ERROR;
    case LogLevel::kWarning:
      return GST_LEVEL_WARNING;
    case LogLevel::kInfo:
      return GST_LEVEL_INFO;
    case LogLevel::kDebug:
      return GST_LEVEL_DEBUG;
  }
  return GST_LEVEL_LOG;
}

void log_core(LogLevel level, const std::string& text) {
  GST_CAT_LEVEL_LOG(core_category(), debug_level(level), nullptr, "%s", text.c_str());
}

// The folder that this code was loaded from: the plugin's.
std::filesystem::path plugin_folder() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&open_core), &info) || !info.dli_fname) return {};
  std::error_code ignored;
  return std::filesystem::weakly_canonical(info.dli_fname, ignored).parent_path();
}

std::vector<std::filesystem::path> candidates() {
  if (const char* named = g_getenv(kCorePathVariable); named && *named) {
    std::filesystem::path path(named);
    std::error_code ignored;
    return {std::filesystem::is_directory(path, ignored) ? path / kCoreFile : path};
  }
  const std::filesystem::path plugin = plugin_folder();
  std::vector<std::filesystem::path> places{plugin / kCoreFile,
                                            (plugin / LIVEEDIT_CORE_INSTALL_FOLDER / kCoreFile).lexically_normal()};
#ifdef LIVEEDIT_CORE_BUILD_FOLDER
  places.push_back(std::filesystem::path(LIVEEDIT_CORE_BUILD_FOLDER) / kCoreFile);
#endif
  return places;
}

// libtorch's OpenMP threads wait for each other some hundred times a frame. Left alone they spin for long: fastest on
// idle cores, but several times slower once encoders or other streams want the cores too. This many rounds keep most of
// the one (24 of 26 fps on two idle cores) and nearly all of the other (12 of 13 beside a second stream). OpenMP reads
// it when it is loaded, so it stands before that; a user's own choice wins.
void limit_spinning() {
  if (!g_getenv("OMP_WAIT_POLICY")) g_setenv("GOMP_SPINCOUNT", "1000", FALSE);
}

// Nothing if it cannot be used; `why` says so then.
Core* open_file(const std::filesystem::path& path, std::string* why) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    *why = "no such file";
    return nullptr;
  }
  limit_spinning();
  GModule* module = g_module_open(path.c_str(), static_cast<GModuleFlags>(G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL));
  if (!module) {
    *why = g_module_error();
    return nullptr;
  }
  // libtorch starts threads and registers destructors; it must stay even where we cannot use it.
  g_module_make_resident(module);
  gpointer entry = nullptr;
  if (!g_module_symbol(module, kCoreEntryName, &entry) || !entry) {
    *why = std::string("it has no function ") + kCoreEntryName;
    return nullptr;
  }
  Core* core = reinterpret_cast<CoreEntry>(entry)(kCoreApiVersion, log_core);
  if (!core) *why = "it is of another version of gst-liveedit than this plugin";
  return core;
}

}  // namespace

Core* open_core() {
  static std::mutex mutex;
  static Core* core = nullptr;
  std::lock_guard lock(mutex);
  if (core) return core;
  std::string tried;
  for (const auto& path : candidates()) {
    std::string why;
    core = open_file(path, &why);
    if (core) {
      GST_CAT_INFO(core_category(), "opened %s", path.c_str());
      return core;
    }
    tried += (tried.empty() ? "" : "; ") + path.string() + ": " + why;
  }
  throw Error(ErrorKind::kUnavailable, std::string("The inference core ") + kCoreFile + " could not be opened (" +
                                           tried + "). Build or install it, or set " + kCorePathVariable +
                                           " to the file or its folder.");
}

}  // namespace liveedit::elements
