// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cpu_lanes.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

// Of the OpenMP runtime that libtorch brings; absent where it was built with another way of threading. Weak, because
// the library's file name differs between builds of libtorch.
extern "C" __attribute__((weak)) void omp_set_num_threads(int);

namespace liveedit::runtime {
namespace {

constexpr std::uint64_t kSmallNetwork = 128ULL << 20;
constexpr int kMostLanes = 4;

// at::set_num_threads() would hold for threads started later too.
void limit_this_thread(int threads) {
  at::get_num_threads();  // ATen sets a thread's number when it is first asked; afterwards it leaves it alone
  omp_set_num_threads(threads);
}

}  // namespace

LanePlan plan_lanes(int threads, std::uint64_t weight_bytes) {
  if (omp_set_num_threads == nullptr || weight_bytes > kSmallNetwork) return {1, threads};
  const int count = std::clamp(threads, 1, kMostLanes);
  return {count, std::max(1, threads / count)};
}

CpuLanes::CpuLanes(LanePlan plan) {
  workers_.reserve(static_cast<std::size_t>(plan.count));
  for (int i = 0; i < plan.count; ++i) workers_.emplace_back([this, plan] { work(plan.threads); });
}

CpuLanes::~CpuLanes() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void CpuLanes::add(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void CpuLanes::clear() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  std::unique_lock lock(mutex_);
  dropped.swap(waiting_);
  changed_.wait(lock, [this] { return at_work_ == 0; });
}

void CpuLanes::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && at_work_ == 0; });
}

void CpuLanes::work(int threads) {
  const c10::InferenceMode inference;
  limit_this_thread(threads);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    ++at_work_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --at_work_;
    changed_.notify_all();
  }
}

}  // namespace liveedit::runtime
