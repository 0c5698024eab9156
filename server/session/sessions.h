// SPDX-License-Identifier: LGPL-2.1-or-later
// All sessions, and what stands between them and the worker. Everything on the I/O thread unless said otherwise.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/config/config.h"
#include "server/session/session.h"
#include "server/supervisor/supervisor.h"
#include "streaming/http/io_thread.h"

namespace liveedit::server {

// The server as /health tells it.
struct Readiness {
  bool worker_up = false, model_loaded = false, draining = false;
  std::string why;    // in words, while it is not ready
  std::string facts;  // JSON: what the model runs with
  WorkerState worker = WorkerState::kStarting;
};

struct Totals {
  size_t sessions = 0, connected = 0, viewers = 0;
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

  streaming::http::WebSocketEvents connect(const std::string& user, std::string_view mode,
                                           std::shared_ptr<streaming::http::WebSocket> socket);
  // Null: there is none.
  std::shared_ptr<Session> find(const std::string& user) const;
  size_t connected() const;
  Readiness readiness() const;
  Totals totals() const;
  std::string settings() const;

 private:
  struct PipelineFacts {
    bool ready = false;
    std::string why;
  };

  void make_services();
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
  std::map<std::string, PipelineFacts> pipelines_;
  ParameterTable table_;
  std::string facts_ = "{}";
  uint32_t next_engine_ = 1;
  // Holds the model, so that it is loaded before the first client comes and stays when the last has gone.
  std::unique_ptr<Engine> standby_;
  int warmups_ = 0;  // frames still to be edited before clients' are
  bool up_ = false, ready_ = false, draining_ = false;
  std::string why_ = "The worker is starting.";
  uint64_t turned_away_ = 0;
  Clock::time_point progress_ = Clock::now();  // the worker's last answer about any frame
  std::shared_ptr<void> next_tick_, standby_again_;
};

}  // namespace liveedit::server
