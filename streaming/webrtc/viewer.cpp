// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/viewer.h"

#include <condition_variable>

#include <gst/app/app.h>
#include <gst/video/video.h>

namespace liveedit::streaming {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kCapsTime{3};
constexpr int kMtu = 1200;               // fits into every path's packets with its headers
constexpr guint64 kQueuedPictures = 30;  // then the viewer waits for a key picture
constexpr guint64 kQueuedAudio = 50;     // one second
constexpr guint64 kQueuedBytes = 4u << 20;

std::string payloader_of(CodecKind codec) {
  switch (codec) {
    case CodecKind::kVp8:
      return "rtpvp8pay picture-id-mode=15-bit";
    case CodecKind::kH264:
      return "rtph264pay aggregate-mode=zero-latency config-interval=-1";
    case CodecKind::kOpus:
      break;
  }
  return "rtpopuspay";
}

std::string rtp_caps(const PlannedSection& section) {
  const bool video = section.codec != CodecKind::kOpus;
  return std::string("application/x-rtp,media=") + (video ? "video" : "audio") +
         ",encoding-name=" + name_of(section.codec) + ",payload=" + std::to_string(section.offered.payload_type) +
         ",clock-rate=" + (video ? "90000" : "48000");
}

}  // namespace

struct Viewer::Track {
  CodecKind codec;
  std::shared_ptr<SharedEncoder> encoder;
  ElementPtr source;  // appsrc
  PadPtr rtp_pad;     // the last pad before webrtcbin
  std::atomic<bool> needs_key{true};
  std::atomic<std::uint64_t> dropped{0};
};

Viewer::Viewer(SessionPlan plan, const IceSettings& ice, const BitrateLimits& limits,
               std::weak_ptr<ViewerSource> source)
    : Session("viewer", std::move(plan), ice, 0),
      limits_(limits),
      source_(std::move(source)),
      retransmissions_(std::make_shared<RetransmissionBudget>(limits.start)),
      estimator_(limits),
      last_report_(SteadyClock::now()) {}

Viewer::~Viewer() = default;

void Viewer::build() {
  const auto source = source_.lock();
  if (!source) throw SessionRefused(503, "The stream has ended.", 5);
  limit_retransmissions(peer().webrtcbin(), retransmissions_);
  for (const std::size_t i : plan().active()) {
    auto track = std::make_unique<Track>();
    track->codec = plan().sections[i].codec;
    track->encoder = source->encoder(track->codec);
    tracks_.push_back(std::move(track));
    build_track(tracks_.back().get(), plan().sections[i]);
  }
  if (!peer().play()) throw std::runtime_error("the viewer's pipeline does not start");
  wait_for_caps();
}

void Viewer::build_track(Track* track, const PlannedSection& section) {
  const CapsPtr caps = track->encoder->wait_caps(SteadyClock::now() + kCapsTime);
  if (!caps) throw SessionRefused(503, "The encoder gives no picture yet.", 1);
  const std::string line = "appsrc name=in format=time is-live=true max-bytes=0 ! " + payloader_of(section.codec) +
                           " name=pay mtu=" + std::to_string(kMtu) +
                           " pt=" + std::to_string(section.offered.payload_type) + " ! capsfilter caps=\"" +
                           rtp_caps(section) + "\"";
  GstElement* bin = make_bin(line);
  gst_bin_add(GST_BIN(peer().pipeline()), bin);
  track->source.reset(gst_bin_get_by_name(GST_BIN(bin), "in"));
  gst_app_src_set_caps(GST_APP_SRC(track->source.get()), caps.get());
  const PadPtr rtp(gst_element_get_static_pad(bin, "src"));
  const PadPtr sink(gst_element_request_pad_simple(peer().webrtcbin(), "sink_%u"));
  if (!sink || gst_pad_link(rtp.get(), sink.get()) != GST_PAD_LINK_OK)
    throw std::runtime_error("webrtcbin takes no stream of this kind");
  track->rtp_pad.reset(GST_PAD(gst_object_ref(rtp.get())));

  struct KeyRequest {
    std::weak_ptr<ViewerSource> source;
    CodecKind codec;
  };
  const PadPtr out(gst_element_get_static_pad(track->source.get(), "src"));
  gst_pad_add_probe(
      out.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        auto* request = static_cast<KeyRequest*>(data);
        if (!gst_video_event_is_force_key_unit(GST_PAD_PROBE_INFO_EVENT(info))) return GST_PAD_PROBE_OK;
        if (const auto target = request->source.lock()) target->request_key(request->codec, KeyReason::kLostPictures);
        return GST_PAD_PROBE_DROP;
      },
      new KeyRequest{source_, section.codec}, [](gpointer data) { delete static_cast<KeyRequest*>(data); });
}

// webrtcbin answers a=inactive, and calls it a success, for a sender whose caps it does not know yet.
void Viewer::wait_for_caps() {
  const SteadyClock::time_point deadline = SteadyClock::now() + kCapsTime;
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
  };
  for (const auto& track : tracks_) {
    const auto signal = std::make_shared<Signal>();
    const gulong id =
        connect_shared(track->rtp_pad.get(), "notify::caps", G_CALLBACK(+[](GObject*, GParamSpec*, gpointer data) {
                         const auto& shared = *static_cast<std::shared_ptr<Signal>*>(data);
                         std::lock_guard lock(shared->mutex);
                         shared->changed.notify_all();
                       }),
                       signal);
    std::unique_lock lock(signal->mutex);
    const bool known = signal->changed.wait_until(
        lock, deadline, [&] { return CapsPtr(gst_pad_get_current_caps(track->rtp_pad.get())) != nullptr; });
    lock.unlock();
    g_signal_handler_disconnect(track->rtp_pad.get(), id);
    if (!known) throw std::runtime_error("the payloader does not start");
  }
}

void Viewer::on_connected() {
  const auto source = source_.lock();
  if (!source) return close("the stream has ended");
  flowing_ = true;
  for (const auto& track : tracks_) {
    track->encoder->add(std::static_pointer_cast<Viewer>(shared_from_this()));
    if (track->codec != CodecKind::kOpus) source->request_key(track->codec, KeyReason::kJoined);
  }
  source->viewer_joined(id(), peer().webrtcbin());
}

void Viewer::on_encoded(CodecKind codec, GstBuffer* buffer, GstCaps* caps, bool key) {
  if (!flowing_) return;
  for (const auto& track : tracks_) {
    if (track->codec != codec) continue;
    if (track->needs_key && !key) continue;
    GstAppSrc* source = GST_APP_SRC(track->source.get());
    const guint64 most = codec == CodecKind::kOpus ? kQueuedAudio : kQueuedPictures;
    if (gst_app_src_get_current_level_buffers(source) >= most ||
        gst_app_src_get_current_level_bytes(source) >= kQueuedBytes) {
      ++track->dropped;
      if (!track->needs_key.exchange(true) && codec != CodecKind::kOpus)
        track->encoder->request_key(KeyReason::kLostPictures);
      continue;
    }
    if (track->needs_key.exchange(false)) log_stage("first picture sent");
    gst_app_src_set_caps(source, caps);
    gst_app_src_push_buffer(source, gst_buffer_ref(buffer));
  }
}

void Viewer::on_tick() {
  const PeerReport report = peer().report();
  const auto now = SteadyClock::now();
  std::lock_guard lock(stats_mutex_);
  if (report.known && report.stamp != report_.stamp) {
    const double elapsed_s = std::chrono::duration<double>(now - last_report_).count();
    const double sent = 8 * (static_cast<double>(report.bytes_sent) - static_cast<double>(reported_bytes_)) / elapsed_s;
    estimator_.update(report.fraction_lost, report.round_trip_s, elapsed_s, sent);
    retransmissions_->set_bitrate(estimator_.bitrate());
    last_report_ = now;
    reported_bytes_ = report.bytes_sent;
  }
  report_ = report;
}

void Viewer::on_closing() {
  flowing_ = false;
  const auto source = source_.lock();
  if (source && connected()) source->viewer_left(id(), peer().webrtcbin());
}

bool Viewer::uses(CodecKind codec) const {
  for (const std::size_t i : plan().active()) {
    if (plan().sections[i].codec == codec) return true;
  }
  return false;
}

ViewerStats Viewer::stats() const {
  ViewerStats stats;
  stats.id = id();
  stats.connected = connected();
  std::lock_guard lock(stats_mutex_);
  stats.report = report_;
  stats.bitrate = estimator_.bitrate();
  stats.resent = retransmissions_->taken();
  if (flowing_) {
    for (const auto& track : tracks_) stats.dropped += track->dropped;
  }
  return stats;
}

}  // namespace liveedit::streaming
