// SPDX-License-Identifier: LGPL-2.1-or-later
// The one thread that all RTSP servers of a process share: it accepts, reads requests and closes; media have threads of
// their own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include <glib.h>

namespace liveedit::streaming::rtsp {

class MainContextThread {
 public:
  // Starts with the first user, ends with the last.
  static std::shared_ptr<MainContextThread> get();
  ~MainContextThread();
  MainContextThread(const MainContextThread&) = delete;
  MainContextThread& operator=(const MainContextThread&) = delete;

  GMainContext* context() { return context_; }
  // Runs `work` there and returns when it is done; on the thread itself at once.
  void run_and_wait(const std::function<void()>& work);
  void run_after(std::chrono::milliseconds delay, std::function<void()> work);

 private:
  MainContextThread();
  GMainContext* const context_;
  GMainLoop* const loop_;
  std::thread thread_;
};

}  // namespace liveedit::streaming::rtsp
