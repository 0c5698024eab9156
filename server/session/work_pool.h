// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads for what would hold up the I/O thread: JPEG in and out.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/picture/jpeg.h"
#include "server/picture/picture_reader.h"

namespace liveedit::server {

// What each thread has.
struct Codecs {
  explicit Codecs(const PictureLimits& limits) : reader(limits) {}
  PictureReader reader;
  JpegWriter writer;
};

class WorkPool {
 public:
  WorkPool(size_t threads, const PictureLimits& limits);
  ~WorkPool();  // what has not begun is dropped
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  using Job = std::function<void(Codecs&)>;
  void post(Job job);

 private:
  void run(const PictureLimits& limits);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace liveedit::server
