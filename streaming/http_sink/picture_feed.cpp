// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/picture_feed.h"

#include <pthread.h>

#include "streaming/http_sink/jpeg_encoder.h"

GST_DEBUG_CATEGORY_EXTERN(gst_live_http_sink_debug);
#define GST_CAT_DEFAULT gst_live_http_sink_debug

namespace liveedit::streaming {

PictureFeed::PictureFeed(int quality)
    : quality_(quality), encoder_(std::make_unique<JpegEncoder>()), thread_([this] {
        pthread_setname_np(pthread_self(), "liveedit-jpeg");
        run();
      }) {}

PictureFeed::~PictureFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (const Viewer& viewer : viewers_) viewer.stream->close();
  for (const auto& answer : answers_) answer(nullptr);
}

void PictureFeed::offer(GstSample* sample) {
  SamplePtr old(gst_sample_ref(sample));
  bool wanted;
  {
    const std::lock_guard lock(mutex_);
    newest_.swap(old);
    fresh_ = true;
    wanted = !viewers_.empty() || !answers_.empty();
  }
  if (wanted) wake_.notify_all();
}

void PictureFeed::set_quality(int quality) {
  const std::lock_guard lock(mutex_);
  quality_ = quality;
}

void PictureFeed::add_viewer(std::shared_ptr<http::BodyStream> stream, double max_fps) {
  const auto interval =
      max_fps > 0 ? std::chrono::duration<double>(1 / max_fps) : std::chrono::duration<double>::zero();
  stream->push(std::make_shared<const std::string>(std::string("--") + kBoundary + "\r\n"));
  {
    const std::lock_guard lock(mutex_);
    viewers_.push_back({std::move(stream), std::chrono::duration_cast<std::chrono::nanoseconds>(interval), {}});
    joined_ = true;
  }
  wake_.notify_all();
}

void PictureFeed::ask(std::function<void(http::Bytes)> answer) {
  {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
  }
  wake_.notify_all();
}

void PictureFeed::end() {
  const std::lock_guard lock(mutex_);
  for (const Viewer& viewer : viewers_) viewer.stream->close();
}

PictureStats PictureFeed::stats() const {
  const std::lock_guard lock(mutex_);
  PictureStats stats = stats_;
  stats.viewers = viewers_.size();
  stats.dropped = dropped_by_gone_;
  for (const Viewer& viewer : viewers_) stats.dropped += viewer.stream->dropped();
  return stats;
}

bool PictureFeed::wait(std::unique_lock<std::mutex>* lock) {
  const auto ready = [this] { return stopping_ || !answers_.empty() || (!viewers_.empty() && (fresh_ || joined_)); };
  while (!ready()) {
    // With viewers the wait ends in time for a repetition.
    if (viewers_.empty()) {
      wake_.wait(*lock);
    } else if (wake_.wait_until(*lock, shown_ + kRepeat) == std::cv_status::timeout) {
      break;
    }
  }
  return !stopping_;
}

void PictureFeed::run() {
  std::unique_lock lock(mutex_);
  while (wait(&lock)) {
    const SamplePtr sample(newest_ && fresh_ ? gst_sample_ref(newest_.get()) : nullptr);
    const bool fresh = std::exchange(fresh_, false);
    const int quality = quality_;
    const Answers answers = std::exchange(answers_, {});
    joined_ = false;
    lock.unlock();
    if (sample) encode(sample.get(), quality);
    for (const auto& answer : answers) answer(jpeg_);
    lock.lock();
    show(fresh);
  }
}

void PictureFeed::encode(GstSample* sample, int quality) {
  try {
    jpeg_ = std::make_shared<const std::string>(encoder_->encode(sample, quality));
    // The boundary behind the picture goes with it: a browser shows a picture when it sees where it ends.
    part_ = std::make_shared<const std::string>(
        "Content-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg_->size()) + "\r\n\r\n" + *jpeg_ +
        "\r\n--" + kBoundary + "\r\n");
    const std::lock_guard lock(mutex_);
    ++stats_.encoded;
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    if (stats_.failed++ == 0) GST_WARNING("%s", error.what());
  }
}

// With the lock. Who has never seen a picture gets the last one, whatever its age.
void PictureFeed::show(bool fresh) {
  const auto now = Clock::now();
  const bool repeat = now - shown_ >= kRepeat;
  if (fresh || repeat) shown_ = now;
  for (auto viewer = viewers_.begin(); viewer != viewers_.end();) {
    const bool first = viewer->due == Clock::time_point{};
    bool there = !viewer->stream->closed();
    if (there && part_ && (first || repeat || (fresh && now >= viewer->due))) {
      there = viewer->stream->push(part_);
      // Paced by when pictures were due, so that max_fps is kept in the mean; who fell behind starts anew.
      viewer->due =
          first || now - viewer->due > 2 * viewer->interval ? now + viewer->interval : viewer->due + viewer->interval;
    }
    if (there) {
      ++viewer;
      continue;
    }
    dropped_by_gone_ += viewer->stream->dropped();
    viewer = viewers_.erase(viewer);
  }
}

}  // namespace liveedit::streaming
