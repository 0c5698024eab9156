// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/broadcast.h"

#include "streaming/base/error.h"
#include "streaming/webrtc/media_clock.h"

namespace liveedit::streaming {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::seconds kIdleTime{5};
constexpr GstClockTime kStandstill = GST_SECOND / 2;
constexpr GstClockTime kTooOldToJoin = 5 * GST_MSECOND;  // a younger picture is the key picture's neighbour
constexpr GstClockTime kTooOldToMend = GST_SECOND / 10;

}  // namespace

std::shared_ptr<Broadcast> Broadcast::create(BroadcastSettings settings, std::weak_ptr<BroadcastListener> listener) {
  const std::shared_ptr<Broadcast> self(new Broadcast(std::move(settings), std::move(listener)));
  self->worker_.every(kTick, [weak = self->weak_from_this()] {
    if (const auto broadcast = weak.lock()) broadcast->tick();
  });
  return self;
}

Broadcast::Broadcast(BroadcastSettings settings, std::weak_ptr<BroadcastListener> listener)
    : settings_(std::move(settings)), listener_(std::move(listener)), worker_("broadcast") {}

Broadcast::~Broadcast() {
  stop();
}

void Broadcast::push_video(GstBuffer* buffer, GstCaps* caps) {
  std::vector<std::shared_ptr<SharedEncoder>> targets;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    last_picture_.reset(gst_buffer_ref(buffer));
    video_caps_.reset(gst_caps_ref(caps));
    last_picture_time_ = media_now();
    for (const auto& [codec, running] : encoders_) {
      if (codec != CodecKind::kOpus) targets.push_back(running.encoder);
    }
  }
  for (const auto& target : targets) target->push(buffer, caps);
}

void Broadcast::push_audio(GstBuffer* buffer, GstCaps* caps) {
  std::shared_ptr<SharedEncoder> target;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    first_audio_.reset(gst_buffer_ref(buffer));
    audio_caps_.reset(gst_caps_ref(caps));
    const auto found = encoders_.find(CodecKind::kOpus);
    if (found != encoders_.end()) target = found->second.encoder;
  }
  if (target) target->push(buffer, caps);
}

void Broadcast::set_audio(bool present) {
  std::lock_guard lock(mutex_);
  audio_ = present;
  if (present) return;
  first_audio_.reset();
  audio_caps_.reset();
}

std::shared_ptr<Session> Broadcast::make_viewer(Offer offer) {
  ServedMedia served;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) throw SessionRefused(503, "The stream has ended.", 5);
    if (!last_picture_) throw SessionRefused(409, "There is no picture yet.", 1);
    served.audio = audio_ && first_audio_ && SharedEncoder::available(CodecKind::kOpus);
  }
  for (const CodecKind codec : settings_.video_codecs) {
    if (SharedEncoder::available(codec)) served.video.push_back(codec);
  }
  auto viewer = std::make_shared<Viewer>(plan_viewer(std::move(offer), served), settings_.ice, settings_.bitrate,
                                         std::weak_ptr<ViewerSource>(shared_from_this()));
  std::lock_guard lock(mutex_);
  std::erase_if(viewers_, [](const auto& weak) { return weak.expired(); });
  viewers_.push_back(viewer);
  return viewer;
}

std::shared_ptr<SharedEncoder> Broadcast::encoder(CodecKind codec) {
  std::lock_guard start_lock(start_mutex_);
  BufferPtr first;
  CapsPtr caps;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) throw SessionRefused(503, "The stream has ended.", 5);
    const auto found = encoders_.find(codec);
    if (found != encoders_.end()) {
      found->second.last_wanted = SteadyClock::now();
      return found->second.encoder;
    }
    const auto& newest = codec == CodecKind::kOpus ? first_audio_ : last_picture_;
    const auto& newest_caps = codec == CodecKind::kOpus ? audio_caps_ : video_caps_;
    if (!newest || !newest_caps) throw SessionRefused(409, "There is nothing to see or hear yet.", 1);
    first.reset(gst_buffer_copy(newest.get()));
    caps.reset(gst_caps_ref(newest_caps.get()));
  }
  const auto started =
      SharedEncoder::start(codec, codec == CodecKind::kOpus ? settings_.audio_bitrate : settings_.bitrate.start,
                           [weak = weak_from_this(), codec](const std::string& why) {
                             // On the encoder's own thread, which cannot stop itself.
                             const auto self = weak.lock();
                             if (self)
                               self->worker_.post([weak, codec, why] {
                                 if (const auto broadcast = weak.lock()) broadcast->drop_failed(codec, why);
                               });
                           });
  // The newest picture at once: the viewer need not wait for the next one to learn what it will get.
  GST_BUFFER_PTS(first.get()) = media_now();
  started->push(first.get(), caps.get());
  std::lock_guard lock(mutex_);
  encoders_[codec] = {started, SteadyClock::now()};
  return started;
}

void Broadcast::request_key(CodecKind codec, KeyReason reason) {
  {
    std::lock_guard lock(mutex_);
    const auto found = encoders_.find(codec);
    if (found == encoders_.end() || !found->second.encoder->request_key(reason)) return;
  }
  repeat_picture(reason == KeyReason::kJoined ? kTooOldToJoin : kTooOldToMend);
}

void Broadcast::repeat_picture(GstClockTime older_than) {
  std::vector<std::shared_ptr<SharedEncoder>> targets;
  BufferPtr picture;
  CapsPtr caps;
  {
    std::lock_guard lock(mutex_);
    const GstClockTime now = media_now();
    if (!last_picture_ || now < last_picture_time_ + older_than) return;
    last_picture_time_ = now;
    picture.reset(gst_buffer_copy(last_picture_.get()));
    GST_BUFFER_PTS(picture.get()) = now;
    caps.reset(gst_caps_ref(video_caps_.get()));
    for (const auto& [codec, running] : encoders_) {
      if (codec != CodecKind::kOpus) targets.push_back(running.encoder);
    }
  }
  for (const auto& target : targets) target->push(picture.get(), caps.get());
}

void Broadcast::drop_failed(CodecKind codec, const std::string& why) {
  std::shared_ptr<SharedEncoder> failed;
  {
    std::lock_guard lock(mutex_);
    const auto found = encoders_.find(codec);
    if (found == encoders_.end()) return;
    failed = found->second.encoder;
    encoders_.erase(found);
  }
  failed->stop();
  for (const auto& viewer : live_viewers()) {
    if (viewer->uses(codec)) viewer->close("its encoder failed");
  }
  if (const auto listener = listener_.lock()) listener->encoder_failed(codec, why);
}

void Broadcast::tick() {
  std::map<CodecKind, std::vector<int>> estimates;
  for (const auto& viewer : live_viewers()) {
    const ViewerStats stats = viewer->stats();
    for (const CodecKind codec : {CodecKind::kVp8, CodecKind::kH264, CodecKind::kOpus}) {
      if (!viewer->uses(codec)) continue;
      auto& list = estimates[codec];
      if (stats.connected) list.push_back(stats.bitrate);
    }
  }
  std::vector<std::shared_ptr<SharedEncoder>> idle;
  {
    std::lock_guard lock(mutex_);
    const auto now = SteadyClock::now();
    for (auto at = encoders_.begin(); at != encoders_.end();) {
      Running& running = at->second;
      const auto wanted = estimates.find(at->first);
      if (wanted != estimates.end()) {
        running.last_wanted = now;
        if (at->first != CodecKind::kOpus)
          running.encoder->set_bitrate(shared_bitrate(wanted->second, running.encoder->bitrate()));
      }
      const bool unwanted = now - running.last_wanted > kIdleTime;
      if (unwanted) idle.push_back(running.encoder);
      at = unwanted ? encoders_.erase(at) : std::next(at);
    }
  }
  for (const auto& encoder : idle) encoder->stop();
  repeat_picture(kStandstill);
}

std::vector<std::shared_ptr<Viewer>> Broadcast::live_viewers() const {
  std::vector<std::shared_ptr<Viewer>> live;
  std::lock_guard lock(mutex_);
  for (const auto& weak : viewers_) {
    if (auto viewer = weak.lock()) live.push_back(std::move(viewer));
  }
  return live;
}

std::vector<EncoderStats> Broadcast::encoders() const {
  std::vector<EncoderStats> all;
  std::lock_guard lock(mutex_);
  for (const auto& [codec, running] : encoders_)
    all.push_back({codec, running.encoder->bitrate(), running.encoder->frames()});
  return all;
}

std::vector<ViewerStats> Broadcast::viewers() const {
  std::vector<ViewerStats> all;
  for (const auto& viewer : live_viewers()) all.push_back(viewer->stats());
  return all;
}

void Broadcast::viewer_joined(const std::string& id, GstElement* webrtcbin) {
  if (const auto listener = listener_.lock()) listener->viewer_joined(id, webrtcbin);
}

void Broadcast::viewer_left(const std::string& id, GstElement* webrtcbin) {
  if (const auto listener = listener_.lock()) listener->viewer_left(id, webrtcbin);
}

void Broadcast::stop() {
  std::map<CodecKind, Running> running;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    running.swap(encoders_);
  }
  worker_.finish();
  for (const auto& [codec, entry] : running) entry.encoder->stop();
}

}  // namespace liveedit::streaming
