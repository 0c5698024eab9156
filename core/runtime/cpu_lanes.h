// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace liveedit::runtime {

// How the CPU's cores are shared out among the frames of one stream: `count` frames side by side, each on `threads`
// cores.
struct LanePlan {
  int count = 1;
  int threads = 1;
};

// For `threads` cores in all. Layers of a small network (its weights in bytes) are so short that threads spend much of
// their time waiting for each other; frames beside each other on one core each do not. A large network fills the cores
// with each layer, and frames side by side would only come later.
LanePlan plan_lanes(int threads, std::uint64_t weight_bytes);

// Threads that run jobs side by side, each with its share of the cores.
class CpuLanes {
 public:
  explicit CpuLanes(LanePlan plan);
  ~CpuLanes();  // drops what waits, finishes what is at work
  CpuLanes(const CpuLanes&) = delete;
  CpuLanes& operator=(const CpuLanes&) = delete;

  // Begins jobs in the order given. A job must not throw.
  void add(std::function<void()> job);
  // Drops what waits and returns when nothing is at work.
  void clear();
  // Returns when all jobs are done.
  void wait();

 private:
  void work(int threads);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  int at_work_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace liveedit::runtime
