// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/rtsp/main_context_thread.h"

#include <pthread.h>
#include <signal.h>

#include <future>
#include <mutex>

namespace liveedit::streaming::rtsp {
namespace {

void attach(GMainContext* context, GSource* source, std::function<void()> work) {
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(work)),
      [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
  g_source_attach(source, context);
  g_source_unref(source);
}

}  // namespace

std::shared_ptr<MainContextThread> MainContextThread::get() {
  static std::mutex mutex;
  static std::weak_ptr<MainContextThread> running;
  const std::lock_guard lock(mutex);
  std::shared_ptr<MainContextThread> thread = running.lock();
  if (!thread) {
    thread.reset(new MainContextThread);
    running = thread;
  }
  return thread;
}

MainContextThread::MainContextThread() : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([context = g_main_context_ref(context_), loop = g_main_loop_ref(loop_)] {
    pthread_setname_np(pthread_self(), "liveedit-rtsp");
    g_main_context_push_thread_default(context);
    g_main_loop_run(loop);
    g_main_context_pop_thread_default(context);
    g_main_loop_unref(loop);
    g_main_context_unref(context);
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

MainContextThread::~MainContextThread() {
  // As an event of the loop, so that it cannot come before the loop runs.
  attach(context_, g_idle_source_new(), [loop = loop_] { g_main_loop_quit(loop); });
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void MainContextThread::run_and_wait(const std::function<void()>& work) {
  if (thread_.get_id() == std::this_thread::get_id()) {
    work();
    return;
  }
  std::promise<void> done;
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  attach(context_, source, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void MainContextThread::run_after(std::chrono::milliseconds delay, std::function<void()> work) {
  attach(context_, g_timeout_source_new(static_cast<guint>(delay.count())), std::move(work));
}

}  // namespace liveedit::streaming::rtsp
