// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/work_pool.h"

#include <pthread.h>

namespace liveedit::server {

WorkPool::WorkPool(size_t threads, const PictureLimits& limits) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, limits] {
      pthread_setname_np(pthread_self(), "liveedit-pool");
      run(limits);
    });
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void WorkPool::run(const PictureLimits& limits) {
  Codecs codecs(limits);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(codecs);
    lock.lock();
  }
}

}  // namespace liveedit::server
