// SPDX-License-Identifier: LGPL-2.1-or-later
// The media of one session: who publishes (WHIP) gives its frames, edited pictures go to whoever watches (WHEP).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/media/outlet.h"
#include "server/media/recorder.h"
#include "server/media/sound_delay.h"
#include "server/media/speech_sound.h"
#include "server/session/session.h"
#include "streaming/webrtc/broadcast.h"
#include "streaming/webrtc/publisher.h"
#include "streaming/webrtc/signalling.h"

namespace liveedit::server {

struct MediaSettings {
  streaming::IceSettings ice;
  streaming::BitrateLimits bitrate{150'000, 2'048'000, 8'192'000};  // bits a second
  size_t viewers = 16;                                              // of one session, by WHEP
  int latency_ms = 20;         // of the jitter buffers of publishers: the time that lost packets have to come again
  uint32_t image_side = 4096;  // pixels; larger pictures of a publisher are left out
};

class MediaSession : public PictureOutput,
                     public streaming::PublisherTarget,
                     public std::enable_shared_from_this<MediaSession> {
 public:
  // I/O thread.
  static std::shared_ptr<MediaSession> create(const MediaSettings& settings, const std::shared_ptr<Session>& session,
                                              Post post);

  // Paths: /api/whip/USER and below, /api/whep/USER and below. I/O thread.
  void on_whip(const streaming::http::Request& request, const streaming::http::ResponderPtr& responder);
  void on_whep(const streaming::http::Request& request, const streaming::http::ResponderPtr& responder);

  // Takes what goes out from now on. Any thread.
  void add_outlet(std::shared_ptr<Outlet> outlet);
  void remove_outlet(const std::shared_ptr<Outlet>& outlet);

  struct RecordingState {
    bool running = false;
    std::string name, problem;
  };
  // Throws Error. Not from the I/O thread.
  void start_recording(const std::string& folder);
  // Waits until the file is complete. Not from the I/O thread.
  void stop_recording();
  RecordingState recording();

  // What a page shows about the session, as JSON: edit_seconds (from a frame's coming to its picture; 0: none yet),
  // sound.
  std::string facts();

  // The newest edited picture as JPEG; empty: there is none. `quality`: 1 to 100.
  std::string snapshot(JpegWriter* writer, int quality);

  // Ends what runs; waits for up to some seconds. Not from the I/O thread.
  void stop();

  bool wanted() const override { return true; }
  void show(const uint8_t* pixels, PictureSize size, uint64_t number, Clock::time_point offered) override;
  void want_sound(bool wanted) override { sound_wanted_ = wanted; }
  void session_ended() override;
  // What is to be done then. I/O thread.
  void on_session_ended(std::function<void()> handler) { ended_ = std::move(handler); }

  void on_video(GstBuffer* buffer, GstCaps* caps) override;
  void on_audio(GstBuffer* buffer, GstCaps* caps) override;
  void publisher_joined(const std::string& id, bool video, bool audio) override;
  void publisher_left(const std::string& id) override;

 private:
  class InputHold;

  MediaSession(const MediaSettings& settings, const std::shared_ptr<Session>& session, Post post);
  void make_signalling();
  std::shared_ptr<streaming::Session> make_publisher(streaming::Offer offer);

  void push(streaming::InputKind kind, GstBuffer* buffer, GstCaps* caps);
  // To the session, which finds out what is said.
  void hear(GstBuffer* buffer, GstCaps* caps);

  const MediaSettings settings_;
  const std::string user_;
  const std::weak_ptr<Session> session_;
  const Post post_;
  std::function<void()> ended_;
  std::shared_ptr<streaming::Broadcast> broadcast_;
  std::shared_ptr<streaming::Signalling> whip_, whep_;
  std::atomic<bool> sound_{false};

  std::atomic<bool> sound_wanted_{false};
  const std::shared_ptr<std::atomic<int>> sound_posted_ = std::make_shared<std::atomic<int>>(0);  // pieces of it
  std::mutex speech_mutex_;
  SpeechSound speech_sound_;

  std::mutex recording_mutex_;  // taken before mutex_
  std::shared_ptr<Recorder> recorder_;
  RecordingState last_recording_;

  std::mutex order_mutex_;  // taken before mutex_
  std::mutex mutex_;
  std::vector<std::shared_ptr<Outlet>> outlets_;
  streaming::BufferPtr last_;
  SoundDelay sound_delay_;
  uint64_t newest_ = 0;  // the number of the picture shown last
  GstClockTime last_time_ = 0;
  streaming::CapsPtr caps_;
  PictureSize size_;  // of caps_
};

}  // namespace liveedit::server
