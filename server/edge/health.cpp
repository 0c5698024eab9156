// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/health.h"

#include <charconv>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(WorkerState state) {
  switch (state) {
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kUp:
      return "up";
    case WorkerState::kWaiting:
      return "waiting";
    case WorkerState::kPaused:
      return "paused";
    case WorkerState::kStopped:
      break;
  }
  return "stopped";
}

Json facts_of(const Readiness& readiness) {
  Json facts = Json::parse(readiness.facts, nullptr, false);
  return facts.is_object() ? facts : Json::object();
}

std::string gpu_memory(const Json& facts) {
  if (!facts.value("device", std::string()).starts_with("cuda")) return "N/A";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f GB", static_cast<double>(facts.value("memory", uint64_t{0})) / 1e9);
  return text;
}

std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};  // the shortest that reads back the same
}

void describe(std::string* text, const char* name, const char* type, const char* help) {
  *text += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void add(std::string* text, const char* name, const char* type, const char* help, double value) {
  describe(text, name, type, help);
  *text += std::string(name) + " " + number(value) + "\n";
}

void add_gpu_memory(std::string* text, const std::string& gpus) {
  const Json list = Json::parse(gpus, nullptr, false);
  if (!list.is_array() || list.empty()) return;
  for (const char* part : {"used", "total"}) {
    const std::string name = std::string("liveedit_gpu_memory_") + part + "_bytes";
    describe(text, name.c_str(), "gauge", "Memory of a GPU, whoever uses it");
    for (size_t i = 0; i < list.size(); ++i) {
      const Json memory = list[i].value("memory", Json::object());
      if (!memory.contains(part) || !memory[part].is_number()) continue;
      *text += name + "{gpu=\"" + std::to_string(i) + "\"} " + number(memory[part].get<double>() * 1024 * 1024) + "\n";
    }
  }
}

// Prometheus counts each step together with those below.
void add_histogram(std::string* text, const char* name, const char* help, const LatencyHistogram& histogram) {
  describe(text, name, "histogram", help);
  const std::string stem(name);
  uint64_t below = 0;
  for (size_t i = 0; i <= LatencyHistogram::kBounds.size(); ++i) {
    below += histogram.count(i);
    const std::string bound = i < LatencyHistogram::kBounds.size() ? number(LatencyHistogram::kBounds[i]) : "+Inf";
    *text += stem + "_bucket{le=\"" + bound + "\"} " + std::to_string(below) + "\n";
  }
  *text += stem + "_sum " + number(histogram.sum()) + "\n" + stem + "_count " + std::to_string(below) + "\n";
}

}  // namespace

std::string health_json(const Readiness& readiness) {
  const Json facts = facts_of(readiness);
  const std::string device = facts.value("device", std::string()), dtype = facts.value("dtype", std::string());
  return Json{{"status", readiness.model_loaded ? "ok"
                         : readiness.draining   ? "draining"
                                                : "unavailable"},
              {"model_loaded", readiness.model_loaded},
              {"optimized", device.empty() ? "" : device + " " + dtype},
              {"gpu_memory", gpu_memory(facts)},
              {"worker", name_of(readiness.worker)},
              {"detail", readiness.why},
              {"progress", readiness.progress ? Json(*readiness.progress) : Json()}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string session_health_json(const Readiness& readiness) {
  return Json{{"status", readiness.model_loaded ? "healthy" : "unhealthy"},
              {"settings_initialized", readiness.worker_up},
              {"session_manager_initialized", !readiness.draining}}
      .dump();
}

std::string metrics_text(const Totals& totals, const Readiness& readiness, const std::string& gpus) {
  const Json facts = facts_of(readiness);
  std::string text;
  const auto gauge = [&](const char* name, const char* help, double value) { add(&text, name, "gauge", help, value); };
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    add(&text, name, "counter", help, static_cast<double>(value));
  };
  const uint64_t starts = totals.worker.starts;
  gauge("liveedit_ready", "1 while frames are edited", readiness.model_loaded);
  gauge("liveedit_worker_up", "1 while there is a worker", readiness.worker_up);
  gauge("liveedit_sessions", "Sessions, those without a connection included", static_cast<double>(totals.sessions));
  gauge("liveedit_sessions_connected", "People connected", static_cast<double>(totals.connected));
  gauge("liveedit_slots", "People that the worker is fast enough for", static_cast<double>(totals.slots));
  gauge("liveedit_queue", "People who wait for their turn to be served", static_cast<double>(totals.waiting));
  gauge("liveedit_viewers", "Viewers of pictures", static_cast<double>(totals.viewers));
  gauge("liveedit_frames_per_second", "Frames edited a second, of all sessions", totals.frames_per_second);
  gauge("liveedit_model_memory_bytes", "Memory that the model takes in the worker", facts.value("memory", 0.0));
  counter("liveedit_turned_away_total", "Connections refused", totals.turned_away);
  counter("liveedit_frames_received_total", "Frames of clients", totals.frames.frames_in);
  counter("liveedit_frames_edited_total", "Frames that came back edited", totals.frames.frames_out);
  counter("liveedit_frames_replaced_total", "Frames given up for a newer one", totals.frames.replaced);
  counter("liveedit_frames_lost_total", "Frames the worker gave up", totals.frames.lost);
  counter("liveedit_frames_held_total", "Frames with NaN or Inf, for which the last good one was shown again",
          facts.value("frames-held-total", uint64_t{0}));
  counter("liveedit_messages_refused_total", "Messages and pictures refused", totals.frames.refused);
  counter("liveedit_pictures_shown_total", "Pictures sent to viewers", totals.shown);
  counter("liveedit_worker_starts_total", "Starts of the worker, the first included", starts);
  counter("liveedit_worker_restarts_total", "Starts of the worker after the first", starts > 0 ? starts - 1 : 0);
  add_histogram(&text, "liveedit_frame_latency_seconds", "From a frame's arrival to its picture, back from the worker",
                totals.frames.latency);
  add_gpu_memory(&text, gpus);
  return text;
}

}  // namespace liveedit::server
