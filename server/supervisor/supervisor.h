// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps a worker process running: starts it, notices when it has ended or says nothing any more, and starts it again,
// later each time. After many failures in a short time it pauses.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/link/channel.h"

namespace liveedit::server {

struct SupervisorConfig {
  std::vector<std::string> command;  // program and arguments; "--socket=FD" is added
  std::chrono::milliseconds watchdog{5000};
  std::chrono::milliseconds load{600000};  // for kBusy
  std::chrono::milliseconds backoff_min{200}, backoff_max{30000};
  int breaker_failures = 5;
  std::chrono::milliseconds breaker_window{60000}, breaker_pause{30000};
};

enum class WorkerState { kStarting, kUp, kWaiting, kPaused, kStopped };

struct SupervisorStats {
  WorkerState state = WorkerState::kStarting;
  uint64_t starts = 0;  // the first included
  int process = 0;      // its id; 0: none
  std::string why;      // the last failure
};

class Supervisor {
 public:
  // All on the supervisor's thread; none is called after stop() has returned.
  struct Events {
    std::function<void()> on_up;                   // it has introduced itself; kHello comes by on_message
    std::function<void(std::string why)> on_down;  // after on_up, or instead of it
    std::function<void(Message)> on_message;
  };

  Supervisor(SupervisorConfig config, Events events);
  ~Supervisor();  // stop()
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // From any thread. false: there is no worker now; on_down has been or will be called.
  bool send(const Message& message);
  // Ends a worker that has gone wrong in a way that its heartbeat does not show. From any thread.
  void kill(const std::string& why);
  void stop();
  SupervisorStats stats() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  // One worker's life. Gives why it ended.
  std::string serve();
  std::string listen(Channel* channel);
  pid_t spawn(int socket);
  // Waits before the next start; false: stop.
  bool pause(Clock::duration lived);
  void set_state(WorkerState state);

  const SupervisorConfig config_;
  const Events events_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Channel> channel_;
  SupervisorStats stats_;
  std::string kill_why_;
  bool stopping_ = false;

  // The thread's own.
  Clock::duration backoff_;
  std::vector<Clock::time_point> failures_;
  bool up_ = false;
  std::thread thread_;
};

}  // namespace liveedit::server
