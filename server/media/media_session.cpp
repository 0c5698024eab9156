// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/media_session.h"

#include <gst/video/video.h>
#include <nlohmann/json.hpp>

#include "server/picture/scale.h"
#include "streaming/base/error.h"
#include "streaming/webrtc/ice_properties.h"
#include "streaming/webrtc/media_clock.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using streaming::BufferPtr;
using streaming::CapsPtr;

// Pieces of sound that wait for the I/O thread; where it is so far behind, the newest are left out.
constexpr int kMostPosted = 20;

CapsPtr picture_caps(PictureSize size) {
  return CapsPtr(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGBx", "width", G_TYPE_INT,
                                     static_cast<int>(size.width), "height", G_TYPE_INT, static_cast<int>(size.height),
                                     "framerate", GST_TYPE_FRACTION, 0, 1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1,
                                     1, nullptr));
}

// A frame that came in, until the pool has put it into a slot.
class Frame {
 public:
  // nullptr: not RGBx without gaps between rows, or not of a size that is edited.
  static std::shared_ptr<Frame> take(GstBuffer* buffer, const GstCaps* caps, uint32_t side) {
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps) || GST_VIDEO_INFO_FORMAT(&info) != GST_VIDEO_FORMAT_RGBx) return nullptr;
    auto frame = std::make_shared<Frame>();
    frame->size_ = {static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&info)),
                    static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&info))};
    const auto [width, height] = frame->size_;
    if (std::min(width, height) < 16 || std::max(width, height) > side) return nullptr;
    if (gst_buffer_get_size(buffer) != static_cast<size_t>(width) * height * kPixelBytes) return nullptr;
    frame->buffer_.reset(gst_buffer_ref(buffer));
    return frame;
  }

  PictureSize write(PictureSize box, uint8_t* to) const {
    GstMapInfo map;
    if (!gst_buffer_map(buffer_.get(), &map, GST_MAP_READ))
      throw streaming::Error(streaming::ErrorKind::kUnavailable, "A frame could not be read.");
    const PictureSize size = fitted(size_, box);
    scale_picture(map.data, size_, to, size);
    gst_buffer_unmap(buffer_.get(), &map);
    return size;
  }

 private:
  BufferPtr buffer_;
  PictureSize size_;
};

}  // namespace

// A publisher, from its offer to its end: the session counts it as a connection.
class MediaSession::InputHold {
 public:
  InputHold(std::shared_ptr<Session> session, Post post) : session_(std::move(session)), post_(std::move(post)) {
    session_->begin_input();
  }
  ~InputHold() {
    post_([session = std::move(session_)] { session->end_input(); });
  }
  InputHold(const InputHold&) = delete;
  InputHold& operator=(const InputHold&) = delete;

 private:
  std::shared_ptr<Session> session_;
  const Post post_;
};

std::shared_ptr<MediaSession> MediaSession::create(const MediaSettings& settings,
                                                   const std::shared_ptr<Session>& session, Post post) {
  const std::shared_ptr<MediaSession> self(new MediaSession(settings, session, std::move(post)));
  self->make_signalling();
  session->set_output(self);
  return self;
}

MediaSession::MediaSession(const MediaSettings& settings, const std::shared_ptr<Session>& session, Post post)
    : settings_(settings), user_(session->user()), session_(session), post_(std::move(post)) {
  streaming::BroadcastSettings broadcast;
  broadcast.bitrate = settings_.bitrate;
  broadcast.ice = settings_.ice;
  broadcast_ = streaming::Broadcast::create(broadcast, {});
}

void MediaSession::make_signalling() {
  const auto links = streaming::ice_server_links(settings_.ice);
  whip_ = std::make_shared<streaming::Signalling>(
      streaming::SignallingSettings{"/api/whip/" + user_, 1, "Somebody publishes in this session already.", links},
      [weak = weak_from_this()](streaming::Offer offer) {
        const auto self = weak.lock();
        if (!self) throw streaming::SessionRefused(503, "The session has ended.", 1);
        return self->make_publisher(std::move(offer));
      });
  whep_ = std::make_shared<streaming::Signalling>(
      streaming::SignallingSettings{"/api/whep/" + user_, settings_.viewers,
                                    "This session has as many viewers as it may have.", links},
      [broadcast = broadcast_](streaming::Offer offer) { return broadcast->make_viewer(std::move(offer)); });
}

std::shared_ptr<streaming::Session> MediaSession::make_publisher(streaming::Offer offer) {
  const auto session = session_.lock();
  if (!session) throw streaming::SessionRefused(503, "The session has ended.", 1);
  streaming::PublisherSettings settings;
  settings.ice = settings_.ice;
  settings.latency_ms = settings_.latency_ms;
  settings.video_caps = "video/x-raw,format=RGBx,pixel-aspect-ratio=1/1";
  auto publisher =
      std::make_shared<streaming::Publisher>(streaming::plan_publisher(std::move(offer)), settings, weak_from_this());
  // The publisher together with its hold: both go when it is known to have ended.
  auto held = std::make_shared<std::pair<std::shared_ptr<streaming::Publisher>, InputHold>>(
      std::piecewise_construct, std::forward_as_tuple(publisher), std::forward_as_tuple(session, post_));
  return {held, publisher.get()};
}

void MediaSession::on_whip(const http::Request& request, const http::ResponderPtr& responder) {
  whip_->handle(request, responder);
}

void MediaSession::on_whep(const http::Request& request, const http::ResponderPtr& responder) {
  whep_->handle(request, responder);
}

void MediaSession::on_video(GstBuffer* buffer, GstCaps* caps) {
  auto frame = Frame::take(buffer, caps, settings_.image_side);
  if (!frame) return;
  post_([weak = session_, frame = std::move(frame)] {
    if (const auto session = weak.lock())
      session->offer([frame](Codecs&, PictureSize box, uint8_t* to) { return frame->write(box, to); });
  });
}

void MediaSession::hear(GstBuffer* buffer, GstCaps* caps) {
  const std::lock_guard lock(speech_mutex_);
  for (std::string& piece : speech_sound_.take(buffer, caps)) {
    if (*sound_posted_ >= kMostPosted) continue;
    ++*sound_posted_;
    post_([weak = session_, posted = sound_posted_, piece = std::move(piece)]() mutable {
      --*posted;
      if (const auto session = weak.lock()) session->hear(std::move(piece));
    });
  }
}

void MediaSession::on_audio(GstBuffer* buffer, GstCaps* caps) {
  if (sound_wanted_) hear(buffer, caps);
  std::vector<SoundDelay::Sound> due;
  Clock::duration delay;
  {
    const std::lock_guard lock(mutex_);
    due = sound_delay_.exchange(buffer, caps, Clock::now());
    delay = sound_delay_.delay();
  }
  for (const auto& sound : due) {
    GST_BUFFER_PTS(sound.buffer.get()) += static_cast<GstClockTime>(delay.count());
    broadcast_->push_audio(sound.buffer.get(), sound.caps.get());
    push(streaming::InputKind::kAudio, sound.buffer.get(), sound.caps.get());
  }
}

void MediaSession::publisher_joined(const std::string&, bool, bool audio) {
  sound_ = audio;
  broadcast_->set_audio(audio);
}

void MediaSession::publisher_left(const std::string&) {
  sound_ = false;
  broadcast_->set_audio(false);
}

void MediaSession::add_outlet(std::shared_ptr<Outlet> outlet) {
  const std::lock_guard lock(mutex_);
  outlets_.push_back(std::move(outlet));
}

void MediaSession::remove_outlet(const std::shared_ptr<Outlet>& outlet) {
  const std::lock_guard lock(mutex_);
  std::erase(outlets_, outlet);
}

void MediaSession::push(streaming::InputKind kind, GstBuffer* buffer, GstCaps* caps) {
  std::vector<std::shared_ptr<Outlet>> outlets;
  {
    const std::lock_guard lock(mutex_);
    outlets = outlets_;
  }
  if (outlets.empty()) return;
  const streaming::SamplePtr sample(gst_sample_new(buffer, caps, nullptr, nullptr));
  for (const auto& outlet : outlets) outlet->push(kind, sample.get());
}

void MediaSession::start_recording(const std::string& folder) {
  const std::lock_guard lock(recording_mutex_);
  if (recorder_) throw streaming::Error(streaming::ErrorKind::kSettings, "This session is being recorded already.");
  recorder_ = std::make_shared<Recorder>(folder, user_, sound_);
  last_recording_ = {true, recorder_->name(), ""};
  add_outlet(recorder_);
}

void MediaSession::stop_recording() {
  const std::lock_guard lock(recording_mutex_);
  if (!recorder_) return;
  remove_outlet(recorder_);
  last_recording_ = {false, recorder_->name(), recorder_->problem()};
  recorder_->stop();
  recorder_.reset();
}

MediaSession::RecordingState MediaSession::recording() {
  const std::lock_guard lock(recording_mutex_);
  if (recorder_) last_recording_.problem = recorder_->problem();
  return last_recording_;
}

std::string MediaSession::facts() {
  const std::lock_guard lock(mutex_);
  return nlohmann::ordered_json{{"edit_seconds", sound_delay_.mean()}, {"sound", sound_.load()}}.dump();
}

std::string MediaSession::snapshot(JpegWriter* writer, int quality) {
  BufferPtr picture;
  PictureSize size;
  {
    const std::lock_guard lock(mutex_);
    if (!last_) return {};
    picture.reset(gst_buffer_ref(last_.get()));
    size = size_;
  }
  GstMapInfo map;
  if (!gst_buffer_map(picture.get(), &map, GST_MAP_READ)) return {};
  std::string jpeg = writer->write(map.data, size, quality);
  gst_buffer_unmap(picture.get(), &map);
  return jpeg;
}

void MediaSession::show(const uint8_t* pixels, PictureSize size, uint64_t number, Clock::time_point offered) {
  const size_t bytes = static_cast<size_t>(size.width) * size.height * kPixelBytes;
  const BufferPtr buffer(gst_buffer_new_allocate(nullptr, bytes, nullptr));
  gst_buffer_fill(buffer.get(), 0, pixels, bytes);
  CapsPtr caps;
  // Held to the end: pictures leave in their order.
  const std::lock_guard order(order_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (number <= newest_) return;
    newest_ = number;
    sound_delay_.on_picture(Clock::now() - offered);
    if (!caps_ || size_.width != size.width || size_.height != size.height) {
      caps_ = picture_caps(size);
      size_ = size;
    }
    last_time_ = std::max(streaming::media_now(), last_time_ + 1);
    GST_BUFFER_PTS(buffer.get()) = last_time_;
    last_.reset(gst_buffer_ref(buffer.get()));
    caps.reset(gst_caps_ref(caps_.get()));
  }
  broadcast_->push_video(buffer.get(), caps.get());
  push(streaming::InputKind::kVideo, buffer.get(), caps.get());
}

void MediaSession::session_ended() {
  if (ended_) ended_();
}

void MediaSession::stop() {
  whip_->close_all("the session has ended");
  whep_->close_all("the session has ended");
  stop_recording();
  std::vector<std::shared_ptr<Outlet>> outlets;
  {
    const std::lock_guard lock(mutex_);
    outlets.swap(outlets_);
  }
  for (const auto& outlet : outlets) outlet->stop();
  broadcast_->stop();
}

}  // namespace liveedit::server
