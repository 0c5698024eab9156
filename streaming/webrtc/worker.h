// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace liveedit::streaming {

// A thread that does one thing after the other. A session negotiates, watches and tears down on its own, so that
// webrtcbin never sees two of these at once, and one that hangs holds up nobody else.
class Worker {
 public:
  explicit Worker(const std::string& name);
  ~Worker();  // finish()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `work` after what was posted before. false: finish() was called, and nothing is run. From any thread.
  bool post(std::function<void()> work);

  // What was posted and does not run yet. From any thread.
  std::size_t waiting() const;

  // Runs `work` every `interval` when nothing else waits; an empty function ends that. From any thread.
  void every(std::chrono::milliseconds interval, std::function<void()> work);

  // Takes no more work; what waits is still run, then the thread ends. Returns at once. From any thread, also the
  // worker's own.
  void finish();

  // Waits until the thread has ended; false: it had not by then. Not from the worker's own thread.
  bool wait(std::chrono::steady_clock::time_point deadline);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace liveedit::streaming
