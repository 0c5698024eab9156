// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/command_line.h"

#include <unistd.h>

#include <filesystem>

#include <glib.h>

#include "streaming/base/error.h"

extern char** environ;

namespace liveedit::server {
namespace {

namespace fs = std::filesystem;
using streaming::Error;
using streaming::ErrorKind;

fs::path own_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// Installed, the server lies in PREFIX/bin.
fs::path find_pipelines(const Config& config) {
  std::vector<fs::path> places;
  if (config.pipeline.folder.empty()) {
    places = {own_folder() / "../share/liveedit/pipelines", LIVEEDIT_SOURCE_PIPELINES};
  } else {
    places = {config.pipeline.folder};
  }
  std::string searched;
  for (const fs::path& place : places) {
    if (fs::exists(place / "full.launch")) return place.lexically_normal();
    searched += (searched.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  throw Error(ErrorKind::kNotFound, "There is no session pipeline full.launch; looked in " + searched + ".");
}

std::string acceleration(const ModelConfig& model) {
  if (model.use_cuda_graph) return "graph";
  return model.acceleration == "xformers" ? "auto" : model.acceleration;
}

void add(ConfigSources* sources, const char* key, const gchar* value) {
  if (value) sources->command_line.emplace_back(key, value);
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
  gchar *config = nullptr, *host = nullptr, *port = nullptr;
  gchar** sets = nullptr;
  gboolean check = FALSE, print = FALSE, insecure = FALSE, version = FALSE;
  const GOptionEntry entries[] = {
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config, "Configuration in YAML", "FILE"},
      {"host", 0, 0, G_OPTION_ARG_STRING, &host, "Address to listen on (server.host)", "ADDRESS"},
      {"port", 'p', 0, G_OPTION_ARG_STRING, &port, "Port to listen on (server.port)", "PORT"},
      {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets, "Any setting", "SECTION.KEY=VALUE"},
      {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure, "Allow others to use it without a token (server.insecure)",
       nullptr},
      {"check-config", 0, 0, G_OPTION_ARG_NONE, &check, "Say whether the configuration is in order, and end", nullptr},
      {"print-config", 0, 0, G_OPTION_ARG_NONE, &print, "Print every setting with its value, and end", nullptr},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version, and end", nullptr},
      {}};
  GOptionContext* context = g_option_context_new("- live video edited by prompt, for browsers and programs");
  g_option_context_add_main_entries(context, entries, nullptr);
  GError* error = nullptr;
  g_option_context_parse(context, &argc, &argv, &error);
  g_option_context_free(context);
  std::string problem = error ? error->message : argc > 1 ? std::string("What is ") + argv[1] + "?" : "";
  g_clear_error(&error);

  CommandLine line;
  for (char** entry = environ; *entry; ++entry) line.sources.environment.emplace_back(*entry);
  line.sources.file = config ? config : config_file_of(line.sources.environment);
  for (gchar** set = sets; set && *set; ++set) {
    const std::string text = *set;
    const size_t sign = text.find('=');
    if (sign == std::string::npos) {
      problem = "--set takes SECTION.KEY=VALUE, not " + text + ".";
    } else {
      line.sources.command_line.emplace_back(text.substr(0, sign), text.substr(sign + 1));
    }
  }
  add(&line.sources, "server.host", host);
  add(&line.sources, "server.port", port);
  add(&line.sources, "server.insecure", insecure ? "true" : nullptr);
  line.check = check;
  line.print = print;
  line.version = version;
  for (gchar* text : {config, host, port}) g_free(text);
  g_strfreev(sets);
  if (!problem.empty()) throw Error(ErrorKind::kSettings, problem);
  return line;
}

std::vector<std::string> worker_command(const Config& config) {
  const fs::path worker = own_folder() / "liveedit-worker";
  if (!fs::exists(worker))
    throw Error(ErrorKind::kNotFound,
                "The program liveedit-worker is not beside liveedit-server, in " + own_folder().string() + ".");
  std::vector<std::string> command = {worker, "--folder=" + find_pipelines(config).string()};
  const auto set = [&](const char* name, const std::string& value) {
    command.push_back(std::string("--set=") + name + "=" + value);
  };
  set("edit.model", config.model.model_id);
  set("edit.vae", config.model.vae);
  set("edit.device", config.model.device);
  set("edit.acceleration", acceleration(config.model));
  set("matte.model", config.model.matte);
  set("matte.device", config.model.device);
  set("speech.model", config.model.speech);
  set("speech.device", config.model.device);
  command.push_back("--audio-bytes=" + std::to_string(config.limits.audio_bytes));
  command.push_back("--audio-seconds=" + std::to_string(config.limits.audio_seconds));
  return command;
}

}  // namespace liveedit::server
