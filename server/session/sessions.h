// SPDX-License-Identifier: LGPL-2.1-or-later
// All sessions, and what stands between them and the worker. Everything on the I/O thread unless said otherwise.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/config/config.h"
#include "server/session/edit_requests.h"
#include "server/session/rate_meter.h"
#include "server/session/session.h"
#include "server/session/speech_requests.h"
#include "server/session/throughput.h"
#include "server/supervisor/supervisor.h"
#include "streaming/http/io_thread.h"

namespace liveedit::server {

// The server as /health tells it.
struct Readiness {
  bool worker_up = false, model_loaded = false, draining = false;
  std::string why;                 // in words, while it is not ready
  std::string facts;               // JSON: what the model runs with
  std::optional<double> progress;  // of loading the model, 0 to 1; nothing where that is not known or not so
  WorkerState worker = WorkerState::kStarting;
};

struct Totals {
  size_t sessions = 0, connected = 0, viewers = 0;
  size_t slots = 0, waiting = 0;
  double frames_per_second = 0;  // edited now
  // Of sessions that have ended, too.
  SessionStats frames;
  uint64_t shown = 0, turned_away = 0;
  SupervisorStats worker;
};

class Sessions : public std::enable_shared_from_this<Sessions> {
 public:
  explicit Sessions(const Config& config);
  ~Sessions();

  // Starts the worker. `command`: see SupervisorConfig. Any thread but the I/O thread, as stop().
  void start(std::vector<std::string> command);
  void stop();

  streaming::http::WebSocketEvents connect(const std::string& user, std::string_view mode, const Caller& caller,
                                           std::shared_ptr<streaming::http::WebSocket> socket);
  // The session of that user, made where there is none, for what is not a WebSocket (WHIP, inputs of this machine).
  // Null with the reason.
  std::shared_ptr<Session> open(const std::string& user, std::string* problem);
  // Whether this caller may steer the session of that user, which it takes by asking. Where there is none, anybody may.
  bool may_steer(const std::string& user, const Caller& caller);
  // A session of an input of this machine: it is nobody who waits, and no limit on people counts it.
  std::shared_ptr<Session> open_local(const std::string& name);
  // `hook` is called with every session that is made. I/O thread; before start().
  void on_session(std::function<void(const std::shared_ptr<Session>&)> hook) {
    session_hooks_.push_back(std::move(hook));
  }

  // POST /edit and POST /api/stt. `done` is called once, now or later, on the I/O thread; see the two classes.
  void edit(EditRequest request, EditRequests::Done done);
  void understand(std::string_view recording, const std::string& language, SpeechRequests::Done done);
  // Runs work off the I/O thread.
  WorkPool& pool() { return pool_; }
  void post(std::function<void()> work) { io_->post(std::move(work)); }
  // Null: there is none.
  std::shared_ptr<Session> find(const std::string& user) const;
  // Those that have an owner, and this is who.
  std::vector<std::shared_ptr<Session>> owned_by(const Caller& caller) const;
  void for_each(const std::function<void(const Session&)>& look) const;
  size_t connected() const;
  // For how many people at a time the worker is fast enough; whoever is beyond waits.
  size_t slots() const;
  size_t waiting() const;
  Readiness readiness() const;
  Totals totals() const;
  // The body of GET /api/settings for this input mode; empty: for the configured one.
  std::string settings(std::string_view mode) const;
  // What pictures are made to fit into.
  PictureSize box() const { return services_->box; }
  // What may be set; changes with the worker.
  const ParameterTable& table() const { return table_; }

 private:
  // What is edited where nothing else is asked for, and by POST /edit.
  static constexpr const char* kMainMode = "full";

  struct PipelineFacts {
    bool ready = false;
    std::string why;
  };

  void make_services();
  bool send(const Message& message);  // to the worker
  void note_end(Session* session);
  std::shared_ptr<Session> make_session(const std::string& user, bool local);
  // Who is served and who waits, in the order in which they came.
  void arrange();
  void give_turns();
  std::unique_ptr<Engine> open_engine(const std::string& pipeline, const Parameters& parameters, uint32_t slots);
  void note_cost(const Session& session);
  void refuse(const std::shared_ptr<streaming::http::WebSocket>& socket, const std::string& why, int code);
  bool make_room(const std::string& user);
  void on_hello(const std::string& json);
  void on_facts(const std::string& json);
  void on_up();
  void on_down(const std::string& why);
  void on_message(const Message& message);
  void on_standby_message(const Message& message);
  void open_standby();
  void set_ready();
  std::string problem_with_mode(const std::string& mode) const;
  void schedule_tick();
  void tick();
  void watch(const Engine* engine, Clock::time_point now);

  const Config config_;
  const std::shared_ptr<streaming::http::IoThread> io_;
  WorkPool pool_;
  std::shared_ptr<SessionServices> services_;
  std::unique_ptr<Supervisor> supervisor_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  std::vector<std::weak_ptr<Session>> line_;
  std::vector<std::function<void(const std::shared_ptr<Session>&)>> session_hooks_;
  FairTurns turns_;
  std::map<std::string, double> costs_;  // milliseconds a frame, by mode
  Throughput throughput_;
  uint64_t edited_ = 0;  // frames of sessions
  RateMeter edit_rate_;
  SessionStats ended_stats_;  // of the sessions that have ended
  uint64_t ended_shown_ = 0;
  std::shared_ptr<EditRequests> edits_;
  SpeechRequests speech_;
  std::map<std::string, PipelineFacts> pipelines_;
  ParameterTable table_;
  std::string facts_ = "{}";
  uint32_t next_engine_ = 1, next_session_ = 1;
  // Holds the model, so that it is loaded before the first client comes and stays when the last has gone.
  std::unique_ptr<Engine> standby_;
  int warmups_ = 0;  // frames still to be edited before clients' are
  Clock::time_point warmup_began_;
  bool up_ = false, ready_ = false, draining_ = false;
  std::string why_ = "The worker is starting.";
  std::optional<double> progress_of_loading_;
  uint64_t turned_away_ = 0;
  Clock::time_point progress_ = Clock::now();  // the worker's last answer about any frame
  std::shared_ptr<void> next_tick_, standby_again_;
};

}  // namespace liveedit::server
