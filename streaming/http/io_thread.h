// SPDX-License-Identifier: LGPL-2.1-or-later
// The one thread that all servers of a process share. It starts with the first user and ends with the last.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace liveedit::streaming::http {

class IoThread {
 public:
  // The thread of this process. Keep the pointer for as long as it is used.
  static std::shared_ptr<IoThread> get();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Runs `work` on the thread, after what was posted before. From any thread.
  void post(std::function<void()> work);
  // Runs `work` on the thread after `delay`, unless the returned handle has gone by then. From any thread.
  std::shared_ptr<void> run_after(std::chrono::milliseconds delay, std::function<void()> work);
  bool is_this_thread() const;

  struct Impl;  // holds the boost::asio::io_context; see io_context.h
  Impl& impl() { return *impl_; }

 private:
  IoThread();
  const std::shared_ptr<Impl> impl_;  // shared with the thread itself
  std::thread thread_;
};

}  // namespace liveedit::streaming::http
