// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/picture_feed.h"

#include <atomic>
#include <deque>
#include <future>

#include <gst/video/video.h>
#include <gtest/gtest.h>

namespace liveedit::streaming {
namespace {

// A viewer that keeps what it is given, up to a limit that makes it a slow one.
class Viewer : public http::BodyStream {
 public:
  bool push(http::Bytes chunk) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    chunks_.push_back(std::move(chunk));
    return true;
  }
  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  bool closed() const override {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t dropped() const override { return 0; }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return chunks_.size();
  }
  http::Bytes last() const {
    const std::lock_guard lock(mutex_);
    return chunks_.back();
  }
  void wait_for(size_t count) const {
    for (int i = 0; i < 20000 && this->count() < count; ++i) g_usleep(500);
    ASSERT_GE(this->count(), count);
  }

 private:
  mutable std::mutex mutex_;
  std::deque<http::Bytes> chunks_;
  bool closed_ = false;
};

SamplePtr frame(guint8 value) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, 16, 16);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, value, GST_VIDEO_INFO_SIZE(&info));
  const CapsPtr caps(gst_video_info_to_caps(&info));
  SamplePtr sample(gst_sample_new(buffer, caps.get(), nullptr, nullptr));
  gst_buffer_unref(buffer);
  return sample;
}

http::Bytes snapshot(PictureFeed* feed) {
  auto promise = std::make_shared<std::promise<http::Bytes>>();
  feed->ask([promise](http::Bytes jpeg) { promise->set_value(std::move(jpeg)); });
  return promise->get_future().get();
}

TEST(PictureFeed, EncodesOnceForAllAndOnlyForSomebody) {
  PictureFeed feed(85);
  for (int i = 0; i < 10; ++i) feed.offer(frame(i).get());
  EXPECT_EQ(feed.stats().encoded, 0u) << "nobody looks";
  const auto one = std::make_shared<Viewer>(), two = std::make_shared<Viewer>();
  feed.add_viewer(one, 0);
  feed.add_viewer(two, 0);
  one->wait_for(2);
  two->wait_for(2);
  for (size_t i = 0; i < 5; ++i) {
    feed.offer(frame(100 + i).get());
    one->wait_for(3 + i);
    two->wait_for(3 + i);
    EXPECT_EQ(one->last(), two->last()) << "the very same bytes";
  }
  EXPECT_EQ(feed.stats().encoded, 6u);
  EXPECT_EQ(feed.stats().viewers, 2u);
}

TEST(PictureFeed, EachPartBringsItsBoundary) {
  PictureFeed feed(85);
  const auto viewer = std::make_shared<Viewer>();
  feed.offer(frame(7).get());
  feed.add_viewer(viewer, 0);
  viewer->wait_for(2);
  const std::string part = *viewer->last();
  EXPECT_EQ(part.substr(0, 41), "Content-Type: image/jpeg\r\nContent-Length:");
  EXPECT_TRUE(part.ends_with("\xff\xd9\r\n--frame\r\n"));
}

TEST(PictureFeed, SnapshotsAreTheNewestFrame) {
  PictureFeed feed(85);
  EXPECT_EQ(snapshot(&feed), nullptr) << "there is none yet";
  feed.offer(frame(10).get());
  const http::Bytes dark = snapshot(&feed);
  ASSERT_TRUE(dark);
  EXPECT_EQ(snapshot(&feed), dark) << "not encoded again";
  feed.offer(frame(200).get());
  EXPECT_NE(*snapshot(&feed), *dark);
}

TEST(PictureFeed, ViewersWhoLeaveAreForgotten) {
  PictureFeed feed(85);
  const auto viewer = std::make_shared<Viewer>();
  feed.offer(frame(1).get());
  feed.add_viewer(viewer, 0);
  viewer->wait_for(2);
  viewer->close();
  feed.offer(frame(2).get());
  for (int i = 0; i < 10000 && feed.stats().viewers > 0; ++i) g_usleep(500);
  EXPECT_EQ(feed.stats().viewers, 0u);
  const uint64_t encoded = feed.stats().encoded;
  feed.offer(frame(3).get());
  EXPECT_EQ(snapshot(&feed) != nullptr, true);
  EXPECT_EQ(feed.stats().encoded, encoded + 1);
}

TEST(PictureFeed, EndLetsViewersGo) {
  PictureFeed feed(85);
  const auto viewer = std::make_shared<Viewer>();
  feed.offer(frame(1).get());
  feed.add_viewer(viewer, 0);
  viewer->wait_for(2);
  feed.end();
  EXPECT_TRUE(viewer->closed());
}

TEST(PictureFeed, AFrameThatCannotBeReadIsCounted_n) {
  PictureFeed feed(85);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, 10, nullptr);
  const CapsPtr caps(gst_caps_from_string("video/x-raw,format=RGB,width=64,height=64,framerate=25/1"));
  const SamplePtr sample(gst_sample_new(buffer, caps.get(), nullptr, nullptr));
  gst_buffer_unref(buffer);
  feed.offer(sample.get());
  EXPECT_EQ(snapshot(&feed), nullptr);
  EXPECT_EQ(feed.stats().failed, 1u);
  feed.offer(frame(1).get());
  EXPECT_NE(snapshot(&feed), nullptr);
}

}  // namespace
}  // namespace liveedit::streaming
