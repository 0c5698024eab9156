// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>

#include "streaming/webrtc/gst_handles.h"
#include "streaming/webrtc/session.h"

namespace liveedit::streaming {

// Where a publisher's media goes. Called from the threads of its session.
class PublisherTarget {
 public:
  virtual ~PublisherTarget() = default;
  // Decoded and converted media, timestamps in media time. Must not block for long: the sender would be told to slow
  // down.
  virtual void on_video(GstBuffer* buffer, GstCaps* caps) = 0;
  virtual void on_audio(GstBuffer* buffer, GstCaps* caps) = 0;
  virtual void publisher_joined(const std::string& id, bool video, bool audio) = 0;
  virtual void publisher_left(const std::string& id) = 0;
};

struct PublisherSettings {
  IceSettings ice;
  int latency_ms = 50;  // of the jitter buffers: the time that lost packets have to come again
  std::string video_caps = "video/x-raw";
  std::string audio_caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";
};

struct PublisherStats {
  std::string id;
  bool connected = false;
  std::uint64_t video_frames = 0;
  std::uint64_t audio_buffers = 0;
};

// One publisher: what it sends is taken out of RTP, decoded, converted to the caps asked for and handed on.
class Publisher : public Session {
 public:
  Publisher(SessionPlan plan, const PublisherSettings& settings, std::weak_ptr<PublisherTarget> target);

  PublisherStats stats() const;

 private:
  void build() override;
  void on_connected() override;
  void on_tick() override {}
  void on_closing() override;
  bool alive() override;
  void receive(GstPad* pad);
  void take(GstSample* sample, bool video);

  const PublisherSettings settings_;
  const std::weak_ptr<PublisherTarget> target_;
  std::atomic<gint64> last_media_{0};
  std::atomic<std::uint64_t> video_frames_{0};
  std::atomic<std::uint64_t> audio_buffers_{0};
};

}  // namespace liveedit::streaming
