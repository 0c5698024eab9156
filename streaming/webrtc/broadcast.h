// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "streaming/webrtc/shared_encoder.h"
#include "streaming/webrtc/viewer.h"
#include "streaming/webrtc/worker.h"

namespace liveedit::streaming {

struct BroadcastSettings {
  std::vector<CodecKind> video_codecs = {CodecKind::kVp8, CodecKind::kH264};  // what viewers may choose from
  BitrateLimits bitrate{150'000, 2'048'000, 8'192'000};
  int audio_bitrate = 64'000;
  IceSettings ice;
};

// What the owner of a broadcast wants to know. Called from any thread with no lock held.
class BroadcastListener {
 public:
  virtual ~BroadcastListener() = default;
  virtual void viewer_joined(const std::string& id, GstElement* webrtcbin) = 0;
  virtual void viewer_left(const std::string& id, GstElement* webrtcbin) = 0;
  virtual void encoder_failed(CodecKind codec, const std::string& why) = 0;
};

struct EncoderStats {
  CodecKind codec;
  int bitrate = 0;
  std::uint64_t frames = 0;
};

// One stream for any number of viewers: an encoder for each codec that somebody watches, started with the first viewer
// and stopped 5 s after the last. Where the stream stands still the last picture is sent again each half second, so
// that whoever joins then sees it.
class Broadcast : public ViewerSource, public std::enable_shared_from_this<Broadcast> {
 public:
  static std::shared_ptr<Broadcast> create(BroadcastSettings settings, std::weak_ptr<BroadcastListener> listener);
  ~Broadcast() override;

  // Raw media with timestamps in media time. Never block.
  void push_video(GstBuffer* buffer, GstCaps* caps);
  void push_audio(GstBuffer* buffer, GstCaps* caps);
  void set_audio(bool present);  // viewers who come from now on are offered audio, or not

  // For Signalling.
  std::shared_ptr<Session> make_viewer(Offer offer);

  std::vector<EncoderStats> encoders() const;
  std::vector<ViewerStats> viewers() const;

  // The sessions have ended before.
  void stop();

  std::shared_ptr<SharedEncoder> encoder(CodecKind codec) override;
  void request_key(CodecKind codec, KeyReason reason) override;
  void viewer_joined(const std::string& id, GstElement* webrtcbin) override;
  void viewer_left(const std::string& id, GstElement* webrtcbin) override;

 private:
  struct Running {
    std::shared_ptr<SharedEncoder> encoder;
    std::chrono::steady_clock::time_point last_wanted;
  };

  Broadcast(BroadcastSettings settings, std::weak_ptr<BroadcastListener> listener);
  void tick();
  void repeat_picture(GstClockTime older_than);
  void drop_failed(CodecKind codec, const std::string& why);
  std::vector<std::shared_ptr<Viewer>> live_viewers() const;

  const BroadcastSettings settings_;
  const std::weak_ptr<BroadcastListener> listener_;

  std::mutex start_mutex_;  // one encoder starts at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::map<CodecKind, Running> encoders_;
  std::vector<std::weak_ptr<Viewer>> viewers_;
  BufferPtr last_picture_;
  CapsPtr video_caps_;
  GstClockTime last_picture_time_ = 0;
  BufferPtr first_audio_;  // an encoder says what it makes once it has got something
  CapsPtr audio_caps_;
  bool audio_ = false;
  bool stopped_ = false;
  Worker worker_;
};

}  // namespace liveedit::streaming
