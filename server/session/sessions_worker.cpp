// SPDX-License-Identifier: LGPL-2.1-or-later
// What the sessions' worker says, what follows from it, and what is done when it says nothing.
#include <algorithm>
#include <charconv>
#include <cstring>

#include <nlohmann/json.hpp>

#include "server/log/log.h"
#include "server/session/sessions.h"

namespace liveedit::server {
namespace {

constexpr std::chrono::seconds kStandbyAgain{10};
// The first frames take longer than those after them; of so many more the time is taken.
constexpr int kTimedFrames = 2;
constexpr double kUsualTimes = 10;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// Takes " (45 %)" off the end of what is being done: 0.45. Nothing where there is none.
std::optional<double> take_share(std::string* text) {
  const size_t begin = text->rfind(" (");
  if (begin == std::string::npos || !text->ends_with(" %)")) return {};
  int percent = 0;
  const auto [end, error] = std::from_chars(text->data() + begin + 2, text->data() + text->size() - 3, percent);
  if (error != std::errc{} || end != text->data() + text->size() - 3 || percent < 0 || percent > 100) return {};
  text->resize(begin);
  return percent / 100.0;
}

}  // namespace

void Sessions::start(std::vector<std::string> command) {
  SupervisorConfig config;
  config.command = std::move(command);
  config.watchdog = milliseconds(config_.worker.watchdog_seconds);
  config.load = milliseconds(config_.worker.load_seconds);
  config.backoff_min = milliseconds(config_.worker.backoff_min_seconds);
  config.backoff_max = milliseconds(config_.worker.backoff_max_seconds);
  config.breaker_failures = config_.worker.breaker_failures;
  config.breaker_window = milliseconds(config_.worker.breaker_window_seconds);
  config.breaker_pause = milliseconds(config_.worker.breaker_pause_seconds);
  Supervisor::Events events;
  const auto weak = weak_from_this();
  const auto post = [io = io_, weak](auto work) {
    io->post([weak, work = std::move(work)] {
      if (const auto self = weak.lock()) work(self.get());
    });
  };
  events.on_up = [post] { post([](Sessions* self) { self->on_up(); }); };
  events.on_down = [post](const std::string& why) { post([why](Sessions* self) { self->on_down(why); }); };
  events.on_message = [post](Message message) {
    post([shared = std::make_shared<Message>(std::move(message))](Sessions* self) { self->on_message(*shared); });
  };
  supervisor_ = std::make_unique<Supervisor>(std::move(config), std::move(events));
  io_->post([weak] {
    if (const auto self = weak.lock()) self->schedule_tick();
  });
}

void Sessions::on_hello(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("properties") || !json.contains("pipelines")) return;
  table_ = ParameterTable(json["properties"].dump());
  table_.add(ReferencePicture::ratio_parameter());
  pipelines_.clear();
  for (const auto& [name, facts] : json["pipelines"].items())
    pipelines_[name] = {facts.value("ready", false), facts.value("why", std::string())};
  for (const auto& [user, session] : sessions_) session->on_worker_introduced();
}

void Sessions::on_facts(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return;
  facts_ = text;
  table_.show_defaults_of(text);
}

void Sessions::on_up() {
  up_ = true;
  progress_ = Clock::now();
  why_ = "The model is being loaded.";
  open_standby();
}

void Sessions::open_standby() {
  if (!up_) return;
  const auto main = pipelines_.find(kMainMode);
  if (main == pipelines_.end() || !main->second.ready) {
    why_ = main == pipelines_.end() ? "There is no pipeline full." : main->second.why;
    log(LogLevel::kError, why_);
    return;
  }
  standby_ = std::make_unique<Engine>(next_engine_++, kMainMode, services_->box, 1, Parameters(),
                                      [this](const Message& message) { return send(message); });
  warmups_ = std::max(1, config_.pipeline.warmup) + kTimedFrames;  // one shows that it works
  warmup_began_ = Clock::now();
  const uint32_t slot = *standby_->take_slot();
  memset(standby_->memory()->in(slot), 128,
         static_cast<size_t>(services_->box.width) * services_->box.height * kPixelBytes);
  standby_->submit(slot, services_->box);
}

void Sessions::on_standby_message(const Message& message) {
  if (message.kind == MessageKind::kLoading) {
    standby_->on_loading();
    why_ = message.text;
    progress_of_loading_ = take_share(&why_);
  } else if (message.kind == MessageKind::kLoaded) {
    standby_->on_loaded();
    progress_of_loading_ = 1;
  } else if (message.kind == MessageKind::kFailed) {
    standby_.reset();
    progress_of_loading_.reset();
    why_ = message.text;
    log(LogLevel::kError, "no model: " + why_);
    standby_again_ = io_->run_after(kStandbyAgain, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->open_standby();
    });
  } else if (standby_->on_answer(message)) {
    standby_->release(message.slot);
    const auto now = Clock::now();
    if (message.kind == MessageKind::kPicture && --warmups_ < kTimedFrames) {
      throughput_.frame_took(now - warmup_began_);
      costs_[kMainMode] = std::chrono::duration<double, std::milli>(now - warmup_began_).count();
    }
    if (warmups_ <= 0) {
      set_ready();
    } else {
      warmup_began_ = now;
      standby_->submit(*standby_->take_slot(), services_->box);
    }
  }
}

void Sessions::set_ready() {
  if (ready_) return;
  ready_ = true;
  why_.clear();
  progress_of_loading_.reset();
  log(LogLevel::kInfo, "the model is loaded: clients are served");
  arrange();
  for (const auto& [user, session] : sessions_) session->on_worker_up();
}

void Sessions::on_down(const std::string& why) {
  up_ = ready_ = false;
  progress_of_loading_.reset();
  why_ = "The worker is started again: " + why;
  log(LogLevel::kError, why_);
  standby_.reset();
  arrange();
  for (const auto& [user, session] : sessions_) session->on_worker_down();
  edits_->on_worker_down();
  speech_.on_worker_down();
}

void Sessions::on_message(const Message& message) {
  if (message.kind == MessageKind::kHello) return on_hello(message.text);
  if (message.kind == MessageKind::kAlive) return on_facts(message.text);
  // What is heard says nothing about frames.
  const bool about_sound = message.kind == MessageKind::kTaken || message.kind == MessageKind::kHeard;
  if (message.kind != MessageKind::kNote && !about_sound) progress_ = Clock::now();
  if (standby_ && message.session == standby_->id()) return on_standby_message(message);
  if (edits_->engine() && message.session == edits_->engine()->id()) return edits_->on_worker_message(message);
  if (speech_.on_message(message)) return;
  for (const auto& [user, session] : sessions_) {
    if (session->listener() && session->listener()->id() == message.session) {
      const std::shared_ptr<Session> kept = session;
      return kept->on_listener_message(message);
    }
    if (session->engine() && session->engine()->id() == message.session) {
      const std::shared_ptr<Session> kept = session;
      kept->on_worker_message(message);
      if (message.kind == MessageKind::kPicture) note_cost(*kept);
      give_turns();
      return;
    }
  }
}

void Sessions::note_cost(const Session& session) {
  ++edited_;
  if (!session.engine()) return;
  const double took = std::chrono::duration<double, std::milli>(session.engine()->edit_time()).count();
  double& cost = costs_.try_emplace(session.mode(), took).first->second;
  cost += (took - cost) / 16;
}

// A frame that has not come back for so long, while nothing else came either: the networks hang.
void Sessions::watch(const Engine* engine, Clock::time_point now) {
  if (!engine) return;
  const auto since = engine->waiting_since();
  if (!since) return;
  // A frame may take long on a slow machine: what it usually takes, many times over, is no hanging.
  double usual = 0;
  for (const auto& [mode, cost] : costs_) usual = std::max(usual, cost / 1000);
  const double longest = std::max(config_.worker.watchdog_seconds, kUsualTimes * usual);
  const auto limit = milliseconds(engine->loaded() ? longest : config_.worker.load_seconds);
  if (now - std::max({*since, engine->changed(), progress_}) > limit) supervisor_->kill("a frame did not come back");
}

}  // namespace liveedit::server
