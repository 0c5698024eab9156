// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/config/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <glib.h>

namespace liveedit::server {
namespace {

using Values = std::vector<std::string>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return g_ascii_tolower(c); });
  return text;
}

std::optional<bool> parse_bool(const std::string& text) {
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return {};
}

std::string number_text(double value) {
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.6g", value);
}

bool is_text(const std::string& value) {
  return value.find('\0') == std::string::npos &&
         g_utf8_validate(value.data(), static_cast<gssize>(value.size()), nullptr);
}

// `at` gives the field: [](auto& c) -> auto& { return c.server.port; }.
template <typename At>
Setting whole(std::string key, At at, int min, int max, std::string about, int multiple_of = 1) {
  Setting setting{std::move(key), std::move(about)};
  setting.set = [at, min, max, multiple_of](const Values& values, Config* config) -> std::string {
    const std::string& text = values.front();
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max || value % multiple_of)
      return "is a whole number from " + std::to_string(min) + " to " + std::to_string(max) +
             (multiple_of > 1 ? ", a multiple of " + std::to_string(multiple_of) : "") + ", not \"" + text + "\"";
    at(*config) = value;
    return {};
  };
  setting.get = [at](const Config& config) { return Values{std::to_string(at(config))}; };
  return setting;
}

template <typename At>
Setting number(std::string key, At at, double min, double max, std::string about) {
  Setting setting{std::move(key), std::move(about)};
  setting.set = [at, min, max](const Values& values, Config* config) -> std::string {
    const std::string& text = values.front();
    char* end = nullptr;
    const double value = g_ascii_strtod(text.c_str(), &end);
    const bool is_number = !text.empty() && !g_ascii_isspace(text.front()) && end == text.c_str() + text.size();
    if (!is_number || !std::isfinite(value) || value < min || value > max)
      return "is a number from " + number_text(min) + " to " + number_text(max) + ", not \"" + text + "\"";
    at(*config) = value;
    return {};
  };
  setting.get = [at](const Config& config) { return Values{number_text(at(config))}; };
  return setting;
}

template <typename At>
Setting boolean(std::string key, At at, std::string about) {
  Setting setting{std::move(key), std::move(about)};
  setting.set = [at](const Values& values, Config* config) -> std::string {
    const std::optional<bool> value = parse_bool(values.front());
    if (!value) return "is true or false, not \"" + values.front() + "\"";
    at(*config) = *value;
    return {};
  };
  setting.get = [at](const Config& config) { return Values{at(config) ? "true" : "false"}; };
  return setting;
}

template <typename At>
Setting text(std::string key, At at, std::string about) {
  Setting setting{std::move(key), std::move(about)};
  setting.set = [at](const Values& values, Config* config) -> std::string {
    const std::string& value = values.front();
    if (!is_text(value)) return "is not UTF-8 text";
    at(*config) = value;
    return {};
  };
  setting.get = [at](const Config& config) { return Values{at(config)}; };
  return setting;
}

template <typename At>
Setting secret(std::string key, At at, std::string about) {
  Setting setting = text(std::move(key), at, std::move(about));
  setting.is_secret = true;
  return setting;
}

template <typename At>
Setting choice(std::string key, At at, Values allowed, std::string about) {
  Setting setting{std::move(key), std::move(about)};
  setting.set = [at, allowed](const Values& values, Config* config) -> std::string {
    if (std::find(allowed.begin(), allowed.end(), values.front()) == allowed.end()) {
      std::string listed;
      for (const std::string& word : allowed) listed += (listed.empty() ? "" : ", ") + word;
      return "is one of " + listed + ", not \"" + values.front() + "\"";
    }
    at(*config) = values.front();
    return {};
  };
  setting.get = [at](const Config& config) { return Values{at(config)}; };
  return setting;
}

template <typename At>
Setting list(std::string key, At at, std::string about) {
  Setting setting{std::move(key), std::move(about)};
  setting.is_list = true;
  setting.set = [at](const Values& values, Config* config) -> std::string {
    if (!std::all_of(values.begin(), values.end(), is_text)) return "has a value that is not UTF-8 text";
    at(*config) = values;
    return {};
  };
  setting.get = [at](const Config& config) { return at(config); };
  return setting;
}

#define AT(field)        \
  [](auto& c) -> auto& { \
    return c.field;      \
  }

void add_what_is_edited(std::vector<Setting>* all) {
  const Setting added[] = {
      text("model.model_id", AT(model.model_id),
           "Folder of a model in diffusers layout, or its Hugging Face id (org/name) in the local cache; empty: the "
           "embedded one"),
      text("model.vae", AT(model.vae), "Another autoencoder: folder or Hugging Face id; empty: the model's own"),
      text("model.matte", AT(model.matte),
           "Weights of Robust Video Matting for mode human: file or folder; empty: looked for in the usual places"),
      text("model.speech", AT(model.speech),
           "Whisper model for spoken prompts: folder or Hugging Face id; empty: looked for in the usual places"),
      text("model.device", AT(model.device), "auto, cpu, cuda or cuda:N"),
      choice("model.acceleration", AT(model.acceleration), {"xformers", "auto", "graph", "none", "tensorrt"},
             "xformers and auto: the fastest the device has; graph: CUDA graphs; none: operation by operation"),
      text("model.engine_dir", AT(model.engine_dir), "Folder of TensorRT engines; there are none here"),
      boolean("model.use_cuda_graph", AT(model.use_cuda_graph), "As acceleration: graph"),
      choice("pipeline.name", AT(pipeline.name), {"img2img", "txt2img"}, "img2img: pictures come from the client"),
      choice("pipeline.mode", AT(pipeline.mode), {"image", "video"}, "image: for img2img; video: for txt2img"),
      whole("pipeline.width", AT(pipeline.width), 64, 2048,
            "Pictures are made to fit into this width, keeping their shape", 8),
      whole("pipeline.height", AT(pipeline.height), 64, 2048,
            "Pictures are made to fit into this height, keeping their shape", 8),
      boolean("pipeline.use_tiny_vae", AT(pipeline.use_tiny_vae), "A tiny autoencoder is named by model.vae"),
      boolean("pipeline.use_lcm_lora", AT(pipeline.use_lcm_lora), "LCM-LoRA; no model here takes one"),
      whole("pipeline.warmup", AT(pipeline.warmup), 0, 100, "Frames edited before the first client's"),
      whole("pipeline.frame_buffer_size", AT(pipeline.frame_buffer_size), 1, 10, "Frames a batch of one client"),
      boolean("pipeline.use_denoising_batch", AT(pipeline.use_denoising_batch),
              "Batch the denoising steps (t-index-list of diffusionfilter)"),
      text("pipeline.folder", AT(pipeline.folder),
           "Folder of the session pipelines (full.launch, human.launch); empty: those of this version"),
  };
  all->insert(all->end(), std::begin(added), std::end(added));
}

void add_how_it_is_served(std::vector<Setting>* all) {
  const Setting added[] = {
      boolean("performance.enable_similar_image_filter", AT(performance.enable_similar_image_filter),
              "Leave out frames that are like the one before"),
      number("performance.similar_image_filter_threshold", AT(performance.similar_image_filter_threshold), 0, 1,
             "How like, 0 to 1"),
      whole("performance.similar_image_filter_max_skip_frame", AT(performance.similar_image_filter_max_skip_frame), 0,
            100, "Frames left out in a row, at most"),
      whole("performance.jpeg_quality", AT(performance.jpeg_quality), 1, 100, "Of the pictures sent, unless asked for"),
      whole("performance.frames_in_flight", AT(performance.frames_in_flight), 1, 8,
            "Frames of one client that are edited at a time; 1 has the least delay, 2 the most frames a second"),
      number("performance.session_fps", AT(performance.session_fps), 0, 240,
             "Frames a second that each person shall get at least: who comes when there is no room for that waits in "
             "the queue; 0: nobody waits"),
      text("server.host", AT(server.host), "Address to listen on; one that others can reach needs a token"),
      whole("server.port", AT(server.port), 0, 65535, "Port to listen on; 0: any that is free"),
      whole("server.max_queue_size", AT(server.max_queue_size), 0, 100000,
            "People served at a time; 0: as many as limits.sessions"),
      whole("server.timeout", AT(server.timeout), 0, 1000000,
            "Seconds without a frame after which a client is sent "
            "away; 0: never"),
      boolean("server.use_safety_checker", AT(server.use_safety_checker), "There is none here: true is refused"),
      secret("server.token", AT(server.token), "What clients show as Authorization: Bearer; empty: no authentication"),
      text("server.token_file", AT(server.token_file), "File whose first line is the token"),
      text("server.tls_certificate", AT(server.tls_certificate), "PEM file with the certificate and its chain"),
      text("server.tls_private_key", AT(server.tls_private_key), "PEM file; empty: in the certificate's file"),
      boolean("server.insecure", AT(server.insecure), "Allow an address that others can reach without a token"),
      choice("logging.level", AT(logging.level), {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
             "The least that is logged"),
      choice("logging.format", AT(logging.format), {"json", "text"}, "One JSON object a line, or plain text"),
      list("cors.allow_origins", AT(cors.allow_origins), "Web origins whose pages may use this server, or \"*\""),
      boolean("cors.allow_credentials", AT(cors.allow_credentials), "Credentials are never allowed to other origins"),
      list("cors.allow_methods", AT(cors.allow_methods), "The methods that each address has are allowed"),
      list("cors.allow_headers", AT(cors.allow_headers), "The headers that are understood are allowed"),
  };
  all->insert(all->end(), std::begin(added), std::end(added));
}

void add_media(std::vector<Setting>* all) {
  const Setting added[] = {
      whole("media.rtsp_port", AT(media.rtsp_port), 0, 65535, "Port of the RTSP server; 0: none"),
      text("media.recordings", AT(media.recordings), "Folder that recordings are written to; empty: none are made"),
      text("media.virtual_camera", AT(media.virtual_camera),
           "Video device that the picture is given to, such as /dev/video10; empty: none"),
      list("media.inputs", AT(media.inputs),
           "Sessions without a browser, each NAME=URI: v4l2:///dev/video0, file:///film.mp4, rtsp://..., http://..."),
      boolean(
          "media.listen", AT(media.listen),
          "What is said in the sound of a publisher or an input becomes its prompt, unless a client says otherwise"),
  };
  all->insert(all->end(), std::begin(added), std::end(added));
}

void add_bounds(std::vector<Setting>* all) {
  const Setting added[] = {
      whole("limits.sessions", AT(limits.sessions), 1, 10000, "Clients with a session at a time"),
      whole("limits.viewers_per_session", AT(limits.viewers_per_session), 1, 10000, "That watch one client's pictures"),
      whole("limits.connections", AT(limits.connections), 1, 100000, "Connections at a time"),
      whole("limits.connections_per_address", AT(limits.connections_per_address), 1, 100000, "Of one address"),
      number("limits.requests_per_second", AT(limits.requests_per_second), 0.01, 1e6, "Of one address"),
      whole("limits.request_burst", AT(limits.request_burst), 1, 1000000, "Of one address, all at once"),
      whole("limits.failed_logins", AT(limits.failed_logins), 1, 1000, "Wrong tokens of one address within a minute"),
      whole("limits.header_bytes", AT(limits.header_bytes), 1024, 64 * 1024, "Of one request's head"),
      whole("limits.header_fields", AT(limits.header_fields), 16, 1000, "Headers of one request"),
      whole("limits.target_bytes", AT(limits.target_bytes), 256, 8192, "Of an address with its query"),
      whole("limits.requests_per_connection", AT(limits.requests_per_connection), 1, 1000000,
            "Before a connection is closed"),
      number("limits.header_seconds", AT(limits.header_seconds), 0.1, 600, "For a request's head to arrive"),
      number("limits.body_seconds", AT(limits.body_seconds), 0.1, 3600, "For a request's body to arrive"),
      number("limits.idle_seconds", AT(limits.idle_seconds), 0.1, 3600, "Between requests of one connection"),
      number("limits.write_seconds", AT(limits.write_seconds), 0.1, 3600, "For an answer, or a picture, to be taken"),
      number("limits.answer_seconds", AT(limits.answer_seconds), 0.1, 3600, "For the server itself to answer"),
      whole("limits.edits", AT(limits.edits), 1, 10000, "Requests of POST /edit that wait"),
      whole("limits.image_bytes", AT(limits.image_bytes), 1024, 64 * 1024 * 1024, "Of one uploaded picture"),
      whole("limits.image_side", AT(limits.image_side), 16, 16384, "Pixels of an uploaded picture's longer side"),
      whole("limits.message_bytes", AT(limits.message_bytes), 256, 1024 * 1024, "Of one JSON message"),
      whole("limits.text_bytes", AT(limits.text_bytes), 1, 16384, "Of a prompt"),
      whole("limits.audio_bytes", AT(limits.audio_bytes), 1024, 64 * 1024 * 1024, "Of one uploaded recording"),
      whole("limits.audio_seconds", AT(limits.audio_seconds), 1, 600, "Of a recording that is put into words"),
      whole("limits.session_idle_seconds", AT(limits.session_idle_seconds), 0, 86400,
            "That a session is kept for a client who comes back"),
      number("worker.watchdog_seconds", AT(worker.watchdog_seconds), 2, 3600,
             "Without a sign of life or with a frame that does not come back: the worker is restarted"),
      number("worker.load_seconds", AT(worker.load_seconds), 1, 86400, "For loading the model"),
      number("worker.backoff_min_seconds", AT(worker.backoff_min_seconds), 0.01, 60,
             "Before a restart; doubled each time"),
      number("worker.backoff_max_seconds", AT(worker.backoff_max_seconds), 0.01, 3600, "Before a restart, at most"),
      whole("worker.breaker_failures", AT(worker.breaker_failures), 1, 1000,
            "Failures within the window after which there is a longer pause"),
      number("worker.breaker_window_seconds", AT(worker.breaker_window_seconds), 1, 86400, "That window"),
      number("worker.breaker_pause_seconds", AT(worker.breaker_pause_seconds), 0.1, 86400, "That pause"),
  };
  all->insert(all->end(), std::begin(added), std::end(added));
}

#undef AT

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> made;
    add_what_is_edited(&made);
    add_how_it_is_served(&made);
    add_media(&made);
    add_bounds(&made);
    return made;
  }();
  return all;
}

const Setting* find_setting(std::string_view key) {
  for (const Setting& setting : settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

}  // namespace liveedit::server
