// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/io_thread.h"

#include <pthread.h>
#include <signal.h>

#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "streaming/http/io_context.h"

namespace liveedit::streaming::http {

std::shared_ptr<IoThread> IoThread::get() {
  static std::mutex mutex;
  static std::weak_ptr<IoThread> running;
  const std::lock_guard lock(mutex);
  std::shared_ptr<IoThread> thread = running.lock();
  if (!thread) {
    thread.reset(new IoThread);
    running = thread;
  }
  return thread;
}

IoThread::IoThread() : impl_(std::make_shared<Impl>()) {
  // Signals belong to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([impl = impl_] {
    pthread_setname_np(pthread_self(), "liveedit-io");
    impl->context.run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

IoThread::~IoThread() {
  impl_->context.stop();
  if (is_this_thread()) {
    thread_.detach();  // the last user let go inside a handler: the thread ends with it
  } else {
    thread_.join();
  }
}

void IoThread::post(std::function<void()> work) {
  boost::asio::post(impl_->context, std::move(work));
}

std::shared_ptr<void> IoThread::run_after(std::chrono::milliseconds delay, std::function<void()> work) {
  // The timer is touched on the I/O thread alone; the handle only says whether anybody still wants the work.
  auto wanted = std::make_shared<int>(0);
  boost::asio::post(impl_->context,
                    [this, delay, work = std::move(work), alive = std::weak_ptr<int>(wanted)]() mutable {
                      auto timer = std::make_shared<boost::asio::steady_timer>(impl_->context, delay);
                      timer->async_wait([timer, work = std::move(work), alive](const boost::system::error_code& error) {
                        if (!error && alive.lock()) work();
                      });
                    });
  return wanted;
}

bool IoThread::is_this_thread() const {
  return thread_.get_id() == std::this_thread::get_id();
}

}  // namespace liveedit::streaming::http
