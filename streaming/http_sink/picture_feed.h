// SPDX-License-Identifier: LGPL-2.1-or-later
// From frames to JPEGs for everybody who looks: encoded once, on a thread of its own, the newest frame first, and only
// while somebody looks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>

#include "streaming/base/gst_pointers.h"
#include "streaming/http/message.h"

namespace liveedit::streaming {

class JpegEncoder;

struct PictureStats {
  uint64_t encoded = 0, failed = 0;
  size_t viewers = 0;
  uint64_t dropped = 0;  // pictures that slow viewers lost
};

class PictureFeed {
 public:
  // What stands between the pictures of multipart/x-mixed-replace.
  static constexpr char kBoundary[] = "frame";
  // Chunks that wait for one viewer; more would be pictures of the past.
  static constexpr size_t kViewerQueue = 2;
  // Without a new frame the last is sent again after this time, so that neither proxies nor dead viewers are left in
  // doubt.
  static constexpr std::chrono::seconds kRepeat{5};

  explicit PictureFeed(int quality);
  ~PictureFeed();
  PictureFeed(const PictureFeed&) = delete;
  PictureFeed& operator=(const PictureFeed&) = delete;

  // Keeps the newest frame; from a streaming thread, which it does not hold up.
  void offer(GstSample* sample);
  void set_quality(int quality);
  // `max_fps` > 0: pictures a second for this viewer, at most.
  void add_viewer(std::shared_ptr<http::BodyStream> stream, double max_fps);
  // Calls back with the newest frame as JPEG, on the feed's thread; with null, soon, where there is none.
  void ask(std::function<void(http::Bytes)> answer);
  // The stream has ended: viewers get what there is and are let go. New ones get the last picture.
  void end();
  PictureStats stats() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Viewer {
    std::shared_ptr<http::BodyStream> stream;
    std::chrono::nanoseconds interval;
    Clock::time_point due;
  };
  using Answers = std::vector<std::function<void(http::Bytes)>>;

  void run();
  // What there is to do; waits for it. false: the thread is to end. With the lock.
  bool wait(std::unique_lock<std::mutex>* lock);
  void encode(GstSample* sample, int quality);
  void show(bool fresh);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  int quality_;
  SamplePtr newest_;
  bool fresh_ = false;   // newest_ has not been encoded
  bool joined_ = false;  // somebody new wants to see something
  std::list<Viewer> viewers_;
  Answers answers_;
  PictureStats stats_;
  uint64_t dropped_by_gone_ = 0;

  // The feed's thread alone.
  std::unique_ptr<JpegEncoder> encoder_;
  http::Bytes jpeg_, part_;
  Clock::time_point shown_{};

  std::thread thread_;
};

}  // namespace liveedit::streaming
