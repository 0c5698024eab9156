// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/sessions.h"

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "server/log/log.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::seconds kStandbyAgain{10};
constexpr const char* kMainPipeline = "full";
// The first frames take longer than those after them; of so many more the time is taken.
constexpr int kTimedFrames = 2;
constexpr double kUsualTimes = 10;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

size_t pool_threads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 8);
}

PictureLimits picture_limits(const LimitsConfig& limits) {
  return {static_cast<size_t>(limits.image_bytes), static_cast<uint32_t>(limits.image_side)};
}

}  // namespace

Sessions::Sessions(const Config& config)
    : config_(config), io_(http::IoThread::get()), pool_(pool_threads(), picture_limits(config.limits)) {
  make_services();
  EditRequests::Services services;
  services.pool = &pool_;
  services.post = services_->post;
  services.open_engine = [this](const Parameters& parameters) { return open_engine(kMainPipeline, parameters, 1); };
  services.most = static_cast<size_t>(config.limits.edits);
  edits_ = std::make_shared<EditRequests>(std::move(services));
}

Sessions::~Sessions() = default;

void Sessions::make_services() {
  services_ = std::make_shared<SessionServices>();
  services_->box = {static_cast<uint32_t>(config_.pipeline.width), static_cast<uint32_t>(config_.pipeline.height)};
  services_->frames_in_flight = static_cast<uint32_t>(config_.performance.frames_in_flight);
  services_->message_bytes = static_cast<size_t>(config_.limits.message_bytes);
  services_->text_bytes = static_cast<size_t>(config_.limits.text_bytes);
  services_->timeout = std::chrono::seconds(config_.server.timeout);
  services_->pool = &pool_;
  services_->post = [this](std::function<void()> work) { io_->post(std::move(work)); };
  services_->after = [this](std::chrono::milliseconds delay, std::function<void()> work) {
    return io_->run_after(delay, std::move(work));
  };
  services_->open_engine = [this](const std::string& pipeline, const Parameters& parameters) {
    return open_engine(pipeline, parameters, services_->frames_in_flight);
  };
  services_->arrange = [this] { arrange(); };
  services_->turns = &turns_;
  services_->cost = [this](const std::string& mode) {
    const auto known = costs_.find(mode);
    return known == costs_.end() ? 1 : known->second;
  };
  services_->table = [this]() -> const ParameterTable& { return table_; };
  services_->problem_with_mode = [this](const std::string& mode) { return problem_with_mode(mode); };
}

std::unique_ptr<Engine> Sessions::open_engine(const std::string& pipeline, const Parameters& parameters,
                                              uint32_t slots) {
  if (!ready_) return nullptr;
  return std::make_unique<Engine>(next_engine_++, pipeline, services_->box, slots, parameters,
                                  [this](const Message& message) { return supervisor_->send(message); });
}

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

void Sessions::stop() {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  io_->post([&] {
    draining_ = true;
    ready_ = up_ = false;
    for (const auto& [user, session] : sessions_) session->end(http::kCloseGoingAway, "the server ends");
    sessions_.clear();
    edits_->on_worker_down();
    speech_.on_worker_down();
    standby_.reset();
    next_tick_.reset();
    standby_again_.reset();
    const std::lock_guard lock(mutex);
    done = true;
    ended.notify_all();
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return done; });
  if (supervisor_) supervisor_->stop();
}

void Sessions::refuse(const std::shared_ptr<http::WebSocket>& socket, const std::string& why, int code) {
  ++turned_away_;
  socket->send_text(nlohmann::ordered_json{{"status", "error"}, {"message", why}}.dump());
  socket->close(code, why);
}

http::WebSocketEvents Sessions::connect(const std::string& user, std::string_view mode, const Caller& caller,
                                        std::shared_ptr<http::WebSocket> socket) {
  http::WebSocketEvents none{[](std::string_view) {}, [](std::string_view) {}, [] {}};
  if (draining_) {
    refuse(socket, "The server ends", http::kCloseGoingAway);
    return none;
  }
  const std::string_view input = mode.empty() ? std::string_view(config_.pipeline.mode) : mode;
  if (input != "image" && input != "media") {
    refuse(socket, "This server edits pictures: mode=image", http::kClosePolicy);
    return none;
  }
  if (!valid_user_id(user)) {
    refuse(socket, "The name of a user has 1 to 64 letters, digits, - and _", http::kClosePolicy);
    return none;
  }
  std::shared_ptr<Session> session = find(user);
  if (!may_steer(user, caller)) {
    refuse(socket, kBelongsToAnother, http::kClosePolicy);
    return none;
  }
  if (session && session->has_socket()) {
    refuse(socket, "This user is connected already", http::kClosePolicy);
    return none;
  }
  if (!(session && session->connected()) && !make_room(user)) {
    refuse(socket, "Server is full", http::kCloseTryLater);
    return none;
  }
  if (!session) session = make_session(user, false);
  session->admits(caller);  // the first is its owner
  session->connect(std::move(socket), input == "media" ? Dialect::kMedia
                                      : mode.empty()   ? Dialect::kFramesAfterWait
                                                       : Dialect::kFrames);
  http::WebSocketEvents events;
  events.on_text = [session](std::string_view text) { session->on_text(text); };
  events.on_binary = [session](std::string_view bytes) { session->on_binary(bytes); };
  events.on_close = [session] { session->on_socket_closed(); };
  return events;
}

std::shared_ptr<Session> Sessions::open(const std::string& user, std::string* problem) {
  if (draining_) {
    *problem = "The server ends.";
  } else if (!valid_user_id(user)) {
    *problem = "The name of a user has 1 to 64 letters, digits, - and _.";
  } else if (const auto session = find(user); session && session->connected()) {
    return session;
  } else if (!make_room(user)) {
    ++turned_away_;
    *problem = "Server is full";
  } else {
    return session ? session : make_session(user, false);
  }
  return nullptr;
}

bool Sessions::may_steer(const std::string& user, const Caller& caller) {
  const auto session = find(user);
  return !session || session->admits(caller);
}

std::shared_ptr<Session> Sessions::open_local(const std::string& name) {
  const auto session = find(name);
  return session ? session : make_session(name, true);
}

std::shared_ptr<Session> Sessions::make_session(const std::string& user, bool local) {
  const auto session = sessions_[user] = std::make_shared<Session>(user, next_session_++, local, services_);
  for (const auto& hook : session_hooks_) hook(session);
  return session;
}

size_t Sessions::slots() const {
  return std::min(throughput_.slots(config_.performance.session_fps), static_cast<size_t>(config_.limits.sessions));
}

size_t Sessions::waiting() const {
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    return entry.second->connected() && !entry.second->served();
  }));
}

void Sessions::arrange() {
  const auto gone = [](const std::weak_ptr<Session>& weak) {
    const auto session = weak.lock();
    return !session || !session->connected();
  };
  std::erase_if(line_, gone);
  for (const auto& [user, session] : sessions_) {
    const auto is_it = [&session = session](const std::weak_ptr<Session>& weak) { return weak.lock() == session; };
    if (session->connected() && std::none_of(line_.begin(), line_.end(), is_it)) line_.push_back(session);
  }
  size_t served = 0, place = 0;
  std::vector<std::shared_ptr<Session>> others;
  for (const auto& weak : line_) {
    const auto session = weak.lock();
    if (!ready_) {
      session->clear_place();
    } else if (session->local()) {
      session->set_place(0);
    } else if (session->served()) {
      ++served;
    } else {
      others.push_back(session);
    }
  }
  for (const auto& session : others) session->set_place(served < slots() ? (++served, 0) : ++place);
  give_turns();
}

void Sessions::give_turns() {
  for (const auto& [user, session] : sessions_) session->try_turn();
}

void Sessions::edit(EditRequest request, EditRequests::Done done) {
  Parameters parameters;
  const std::string wrong =
      table_.read(request.parameters, static_cast<size_t>(config_.limits.text_bytes), &parameters);
  if (!ready_) return done({{}, 503, "The model is not loaded: " + why_});
  if (!wrong.empty()) return done({{}, 422, wrong});
  if (edits_->full()) return done({{}, 429, "As many pictures wait as may; try again later."});
  edits_->ask(std::move(request), std::move(parameters), std::move(done));
}

void Sessions::understand(std::string_view recording, const std::string& language, SpeechRequests::Done done) {
  if (!up_) return done(MessageKind::kFailed, why_);
  if (speech_.full()) return done(MessageKind::kFailed, "As many recordings wait as may; try again later.");
  speech_.ask(
      next_engine_++, recording, language, [this](const Message& message) { return supervisor_->send(message); },
      std::move(done));
}

// For one more client, who may have a session already. Sessions that nobody is connected to give way, the oldest first.
bool Sessions::make_room(const std::string& user) {
  const auto most = static_cast<size_t>(config_.server.max_queue_size > 0
                                            ? std::min(config_.server.max_queue_size, config_.limits.sessions)
                                            : config_.limits.sessions);
  if (connected() >= most) return false;
  if (sessions_.size() < most || sessions_.count(user)) return true;
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    const bool idle = !at->second->connected();
    if (idle && (oldest == sessions_.end() || at->second->left() < oldest->second->left())) oldest = at;
  }
  if (oldest != sessions_.end()) {
    note_end(oldest->second.get());
    sessions_.erase(oldest);
  }
  return true;
}

void Sessions::note_end(Session* session) {
  ended_shown_ += session->viewers().shown();
  ended_stats_.add(session->stats());
  session->end(http::kCloseGoingAway, "");
}

std::shared_ptr<Session> Sessions::find(const std::string& user) const {
  const auto found = sessions_.find(user);
  return found == sessions_.end() ? nullptr : found->second;
}

void Sessions::for_each(const std::function<void(const Session&)>& look) const {
  for (const auto& [user, session] : sessions_) look(*session);
}

size_t Sessions::connected() const {
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    return entry.second->connected() && !entry.second->local();
  }));
}

std::string Sessions::problem_with_mode(const std::string& mode) const {
  const auto found = pipelines_.find(mode);
  if (found == pipelines_.end()) {
    std::string listed;
    for (const auto& [name, facts] : pipelines_) listed += (listed.empty() ? "" : ", ") + name;
    return "A mode is one of " + (listed.empty() ? "full" : listed) + ".";
  }
  return found->second.ready ? "" : "The mode " + mode + " is not available here: " + found->second.why;
}

void Sessions::on_hello(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("properties") || !json.contains("pipelines")) return;
  table_ = ParameterTable(json["properties"].dump());
  pipelines_.clear();
  for (const auto& [name, facts] : json["pipelines"].items())
    pipelines_[name] = {facts.value("ready", false), facts.value("why", std::string())};
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
  const auto main = pipelines_.find(kMainPipeline);
  if (main == pipelines_.end() || !main->second.ready) {
    why_ = main == pipelines_.end() ? "There is no pipeline full." : main->second.why;
    log(LogLevel::kError, why_);
    return;
  }
  standby_ = std::make_unique<Engine>(next_engine_++, kMainPipeline, services_->box, 1, Parameters(),
                                      [this](const Message& message) { return supervisor_->send(message); });
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
  } else if (message.kind == MessageKind::kLoaded) {
    standby_->on_loaded();
  } else if (message.kind == MessageKind::kFailed) {
    standby_.reset();
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
      costs_[kMainPipeline] = std::chrono::duration<double, std::milli>(now - warmup_began_).count();
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
  log(LogLevel::kInfo, "the model is loaded: clients are served");
  arrange();
  for (const auto& [user, session] : sessions_) session->on_worker_up();
}

void Sessions::on_down(const std::string& why) {
  up_ = ready_ = false;
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
  if (message.kind != MessageKind::kNote) progress_ = Clock::now();
  if (standby_ && message.session == standby_->id()) return on_standby_message(message);
  if (edits_->engine() && message.session == edits_->engine()->id()) return edits_->on_worker_message(message);
  if (speech_.on_message(message)) return;
  for (const auto& [user, session] : sessions_) {
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

void Sessions::tick() {
  const auto now = Clock::now();
  watch(standby_.get(), now);
  watch(edits_->engine(), now);
  bool busy = false, full = true;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    Session& session = *at->second;
    watch(session.engine(), now);
    session.tick(now);
    if (session.served() && session.connected()) {
      busy = busy || session.busy(now);
      full = full && session.busy(now);
    }
    if (!session.connected() && now - session.left() > std::chrono::seconds(config_.limits.session_idle_seconds)) {
      note_end(&session);
      at = sessions_.erase(at);
    } else {
      ++at;
    }
  }
  edit_rate_.look(edited_, now);
  throughput_.look(edited_, busy, full, now);
  arrange();
  schedule_tick();
}

void Sessions::schedule_tick() {
  next_tick_ = io_->run_after(kTick, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

Readiness Sessions::readiness() const {
  return {up_, ready_, draining_, why_, facts_, supervisor_ ? supervisor_->stats().state : WorkerState::kStarting};
}

Totals Sessions::totals() const {
  Totals totals;
  totals.sessions = sessions_.size();
  totals.connected = connected();
  totals.slots = slots();
  totals.waiting = waiting();
  totals.frames_per_second = edit_rate_.per_second();
  totals.turned_away = turned_away_;
  totals.frames = ended_stats_;
  totals.shown = ended_shown_;
  for (const auto& [user, session] : sessions_) {
    totals.viewers += session->viewers().count();
    totals.shown += session->viewers().shown();
    totals.frames.add(session->stats());
  }
  if (supervisor_) totals.worker = supervisor_->stats();
  return totals;
}

std::string Sessions::settings() const {
  SettingsFacts facts;
  facts.input_mode = config_.pipeline.mode;
  facts.width = config_.pipeline.width;
  facts.height = config_.pipeline.height;
  facts.max_queue_size = config_.server.max_queue_size;
  for (const auto& [name, pipeline] : pipelines_) {
    if (pipeline.ready) facts.modes.push_back(name);
  }
  return settings_json(table_, facts);
}

}  // namespace liveedit::server
