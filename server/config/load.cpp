// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/config/load.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include <glib.h>
#include <nlohmann/json.hpp>

#include "server/config/settings.h"

namespace liveedit::server {
namespace {

constexpr size_t kFileBytes = 256 * 1024;
// Of both the later wins.
constexpr const char* kPrefixes[] = {"STREAMDIFFUSION_", "LIVEEDIT_"};

std::string read_file(const std::string& path, std::string* problem) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.gcount() == 0 && !file.eof())) {
    *problem = "Cannot read " + path + ": does it exist, and is it a file that you may read?";
    return {};
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileBytes) *problem = path + " is larger than " + std::to_string(kFileBytes) + " bytes.";
  return text;
}

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string_view entry : environment) {
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  }
  return {};
}

// A list in one text: JSON, or separated by commas.
std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> values;
  if (text.starts_with('[')) {
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (parsed.is_array() && std::all_of(parsed.begin(), parsed.end(), [](const auto& v) { return v.is_string(); }))
      return parsed.get<std::vector<std::string>>();
  }
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    std::string item = text.substr(at, comma - at);
    g_strstrip(item.data());
    item.resize(strlen(item.c_str()));
    if (!item.empty()) values.push_back(item);
    at = comma + 1;
  }
  return values;
}

void apply(const std::string& source, const std::string& key, const std::string& text, LoadedConfig* loaded) {
  const Setting* setting = find_setting(key);
  if (!setting) {
    loaded->problems.push_back(source + ": there is no setting " + key + ".");
    return;
  }
  const std::vector<std::string> values = setting->is_list ? split_list(text) : std::vector<std::string>{text};
  const std::string wrong = setting->set(values, &loaded->config);
  if (!wrong.empty()) loaded->problems.push_back(source + ": " + key + " " + wrong + ".");
}

// PREFIX_SECTION__KEY; names without the two underscores are other programs' business.
std::optional<std::string> key_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return {};
  std::string rest(name.substr(prefix.size()));
  std::transform(rest.begin(), rest.end(), rest.begin(), [](char c) { return g_ascii_tolower(c); });
  const size_t mark = rest.find("__");
  if (mark == std::string::npos) return {};
  return rest.substr(0, mark) + "." + rest.substr(mark + 2);
}

void apply_environment(const std::vector<std::string>& environment, LoadedConfig* loaded) {
  for (const char* prefix : kPrefixes) {
    for (const std::string& entry : environment) {
      const size_t sign = entry.find('=');
      if (sign == std::string::npos) continue;
      const std::string name = entry.substr(0, sign);
      if (const auto key = key_of(name, prefix)) apply(name, *key, entry.substr(sign + 1), loaded);
    }
  }
}

void read_token(LoadedConfig* loaded) {
  ServingConfig& server = loaded->config.server;
  if (server.token_file.empty()) return;
  if (!server.token.empty()) {
    loaded->problems.push_back("server.token and server.token_file: give one of them.");
    return;
  }
  std::string problem;
  const std::string text = read_file(server.token_file, &problem);
  server.token = text.substr(0, text.find_first_of("\r\n"));
  if (problem.empty() && server.token.empty())
    problem = "server.token_file: the first line of " + server.token_file + " is empty.";
  if (!problem.empty()) loaded->problems.push_back(problem);
}

// What each value allows and all together do not.
void check_together(LoadedConfig* loaded) {
  const Config& config = loaded->config;
  const auto wrong = [&](const char* what) { loaded->problems.emplace_back(what); };
  if (config.model.acceleration == "tensorrt")
    wrong("model.acceleration: there is no TensorRT here; auto takes the fastest way that there is.");
  if (config.server.use_safety_checker)
    wrong("server.use_safety_checker: there is no safety checker here; set it to false to run without one.");
  if ((config.pipeline.name == "txt2img") != (config.pipeline.mode == "video"))
    wrong("pipeline.name img2img goes with pipeline.mode image, and txt2img with video.");
  if (config.worker.backoff_min_seconds > config.worker.backoff_max_seconds)
    wrong("worker.backoff_min_seconds is larger than worker.backoff_max_seconds.");
}

void note_what_has_no_effect(LoadedConfig* loaded) {
  const Config& config = loaded->config;
  const Config defaults;
  const auto note = [&](const char* what) { loaded->notes.emplace_back(what); };
  if (config.model.engine_dir != defaults.model.engine_dir)
    note("model.engine_dir has no effect: no engines are built.");
  if (config.pipeline.use_lcm_lora) note("pipeline.use_lcm_lora has no effect: models are used as they are.");
  if (config.pipeline.use_tiny_vae && !config.model.model_id.empty() && config.model.vae.empty())
    note("pipeline.use_tiny_vae has no effect by itself: model.vae names the tiny autoencoder.");
  if (config.pipeline.frame_buffer_size != 1) note("pipeline.frame_buffer_size has no effect: frames go one by one.");
  if (!config.pipeline.use_denoising_batch) note("pipeline.use_denoising_batch has no effect without t_index_list.");
  if (config.performance.enable_similar_image_filter)
    note("performance.enable_similar_image_filter has no effect: every frame is edited.");
  if (config.cors.allow_methods != defaults.cors.allow_methods ||
      config.cors.allow_headers != defaults.cors.allow_headers)
    note("cors.allow_methods and cors.allow_headers have no effect: each address allows what it understands.");
}

}  // namespace

LoadedConfig load_config(const ConfigSources& sources) {
  LoadedConfig loaded;
  if (!sources.file.empty()) {
    std::string problem;
    const std::string text = read_file(sources.file, &problem);
    if (problem.empty()) {
      read_yaml(sources.file, text, &loaded);
    } else {
      loaded.problems.push_back(problem);
    }
  }
  apply_environment(sources.environment, &loaded);
  for (const auto& [key, value] : sources.command_line) apply("--set " + key, key, value, &loaded);
  read_token(&loaded);
  check_together(&loaded);
  note_what_has_no_effect(&loaded);
  return loaded;
}

std::string config_file_of(const std::vector<std::string>& environment) {
  const std::string_view own = value_of(environment, "LIVEEDIT_CONFIG_FILE");
  return std::string(own.empty() ? value_of(environment, "STREAMDIFFUSION_CONFIG_FILE") : own);
}

std::string config_text(const Config& config) {
  std::string text, section;
  for (const Setting& setting : settings()) {
    const size_t dot = setting.key.find('.');
    if (setting.key.substr(0, dot) != section) {
      section = setting.key.substr(0, dot);
      text += (text.empty() ? "" : "\n") + section + ":\n";
    }
    std::vector<std::string> values = setting.get(config);
    if (setting.is_secret && !values.front().empty()) values = {"(hidden)"};
    const nlohmann::json shown = setting.is_list ? nlohmann::json(values) : nlohmann::json(values.front());
    // A JSON text is a YAML text; plain words and numbers need no quotes.
    const bool plain = !setting.is_list && !values.front().empty() &&
                       values.front().find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789._/") == std::string::npos;
    text += "  # " + setting.about + "\n  " + setting.key.substr(dot + 1) + ": " +
            (plain ? values.front() : shown.dump()) + "\n";
  }
  return text;
}

}  // namespace liveedit::server
