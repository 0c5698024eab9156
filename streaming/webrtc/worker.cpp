// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/worker.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace liveedit::streaming {

using Clock = std::chrono::steady_clock;

struct Worker::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  std::function<void()> tick;
  std::chrono::milliseconds interval{0};
  Clock::time_point next_tick{};
  bool finishing = false;
  bool ended = false;
};

Worker::Worker(const std::string& name) : state_(std::make_shared<State>()) {
  // Detached: a thread that hangs inside a library must not take the thread that waits for it along.
  std::thread thread([state = state_] { run(state); });
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  thread.detach();
}

Worker::~Worker() {
  finish();
}

bool Worker::post(std::function<void()> work) {
  std::lock_guard lock(state_->mutex);
  if (state_->finishing) return false;
  state_->queue.push_back(std::move(work));
  state_->changed.notify_all();
  return true;
}

std::size_t Worker::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

void Worker::every(std::chrono::milliseconds interval, std::function<void()> work) {
  std::function<void()>
      before;  // goes after the lock: it may hold the last reference to something that comes back here
  std::lock_guard lock(state_->mutex);
  before = std::exchange(state_->tick, std::move(work));
  state_->interval = interval;
  state_->next_tick = Clock::now() + interval;
  state_->changed.notify_all();
}

void Worker::finish() {
  std::function<void()> tick;
  std::lock_guard lock(state_->mutex);
  state_->finishing = true;
  tick = std::exchange(state_->tick, nullptr);
  state_->changed.notify_all();
}

bool Worker::wait(Clock::time_point deadline) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_until(lock, deadline, [this] { return state_->ended; });
}

void Worker::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    std::function<void()> work;
    if (!state->queue.empty()) {
      work = std::move(state->queue.front());
      state->queue.pop_front();
    } else if (state->finishing) {
      break;
    } else if (state->tick && Clock::now() >= state->next_tick) {
      work = state->tick;
      state->next_tick = Clock::now() + state->interval;
    } else if (state->tick) {
      state->changed.wait_until(lock, state->next_tick);
    } else {
      state->changed.wait(lock);
    }
    if (!work) continue;
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
  state->ended = true;
  state->changed.notify_all();
}

}  // namespace liveedit::streaming
