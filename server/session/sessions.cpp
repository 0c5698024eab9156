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

// What clients say they send.
struct Input {
  std::string_view name;
  Dialect dialect;
};
constexpr Input kInputs[] = {{"image", Dialect::kFrames}, {kFromText, Dialect::kTexts}, {"media", Dialect::kMedia}};

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
  services.open_engine = [this](const Parameters& parameters) { return open_engine(kMainMode, parameters, 1); };
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
  services_->listen = config_.media.listen;
  services_->pool = &pool_;
  services_->post = [this](std::function<void()> work) { io_->post(std::move(work)); };
  services_->after = [this](std::chrono::milliseconds delay, std::function<void()> work) {
    return io_->run_after(delay, std::move(work));
  };
  services_->open_engine = [this](const std::string& pipeline, const Parameters& parameters) {
    return open_engine(pipeline, parameters, services_->frames_in_flight);
  };
  services_->open_listener = [this]() -> std::unique_ptr<Listener> {
    if (!ready_) return nullptr;
    return std::make_unique<Listener>(next_engine_++, [this](const Message& message) { return send(message); });
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
                                  [this](const Message& message) { return send(message); });
}

bool Sessions::send(const Message& message) {
  return supervisor_->send(message);
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
  const auto* known =
      std::find_if(std::begin(kInputs), std::end(kInputs), [input](const Input& one) { return one.name == input; });
  if (known == std::end(kInputs)) {
    refuse(socket, "What can be sent is mode=image, mode=video or mode=media", http::kClosePolicy);
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
  const bool waits = mode.empty() && known->dialect == Dialect::kFrames;
  session->connect(std::move(socket), waits ? Dialect::kFramesAfterWait : known->dialect);
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
      next_engine_++, recording, language, [this](const Message& message) { return send(message); }, std::move(done));
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

std::vector<std::shared_ptr<Session>> Sessions::owned_by(const Caller& caller) const {
  std::vector<std::shared_ptr<Session>> owned;
  for (const auto& [user, session] : sessions_) {
    if (session->belongs_to(caller)) owned.push_back(session);
  }
  return owned;
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
  const WorkerState worker = supervisor_ ? supervisor_->stats().state : WorkerState::kStarting;
  return {up_, ready_, draining_, why_, facts_, progress_of_loading_, worker};
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

std::string Sessions::settings(std::string_view mode) const {
  SettingsFacts facts;
  facts.input_mode = mode.empty() ? std::string_view(config_.pipeline.mode) : mode;
  facts.width = config_.pipeline.width;
  facts.height = config_.pipeline.height;
  facts.max_queue_size = config_.server.max_queue_size;
  for (const auto& [name, pipeline] : pipelines_) {
    if (pipeline.ready) facts.modes.push_back(name);
  }
  return settings_json(table_, facts);
}

}  // namespace liveedit::server
