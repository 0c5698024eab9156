// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/publisher.h"

#include <algorithm>

#include <gst/app/app.h>
#include <gst/rtp/rtp.h>

#include "streaming/webrtc/media_clock.h"
#include "streaming/webrtc/picture_bound.h"

namespace liveedit::streaming {
namespace {

constexpr double kSilence = 6;  // seconds without media and RTCP: a live browser reports each second

bool installed(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

std::string decoder_of(CodecKind codec) {
  switch (codec) {
    case CodecKind::kVp8:
      // Of BT.601 whatever its size (RFC 6386, 9.2), while GStreamer takes large pictures for BT.709.
      return "rtpvp8depay request-keyframe=true wait-for-keyframe=true ! vp8dec name=decoder threads=1 ! "
             "capssetter join=false caps=video/x-raw,colorimetry=bt601";
    case CodecKind::kH264: {
      const std::string depay = "rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse ! ";
      return depay + (installed("avdec_h264") ? "avdec_h264 name=decoder max-threads=1" : "openh264dec name=decoder");
    }
    case CodecKind::kOpus:
      break;
  }
  return "rtpopusdepay ! opusdec name=decoder plc=true";
}

// Which session ends, and what its pictures have cost until now.
struct Bounded {
  std::weak_ptr<Session> session;
  PictureBound bound;
  bool refused = false;  // the decoder gets nothing any more
  Undecoded undecoded{};
  void refuse(const char* reason) {
    refused = true;
    if (const auto owner = session.lock()) owner->close(reason);
  }
};

GstPadProbeReturn on_packet(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* bounded = static_cast<Bounded*>(data);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (bounded->refused || !gst_rtp_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), GST_MAP_READ, &rtp))
    return GST_PAD_PROBE_DROP;
  const auto verdict = bounded->bound.take(static_cast<const std::uint8_t*>(gst_rtp_buffer_get_payload(&rtp)),
                                           gst_rtp_buffer_get_payload_len(&rtp), gst_rtp_buffer_get_marker(&rtp));
  gst_rtp_buffer_unmap(&rtp);
  if (verdict == PictureBound::Verdict::kEnd) bounded->refuse("it sends a picture without end");
  return verdict == PictureBound::Verdict::kPass ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

// Decoders allocate what the caps announce.
GstPadProbeReturn on_decoder_data(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* bounded = static_cast<Bounded*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM &&
      GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
    gint width = 0, height = 0;
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    gst_structure_get_int(structure, "width", &width);
    gst_structure_get_int(structure, "height", &height);
    if (std::max(width, height) > PictureBound::kMostSide) bounded->refuse("its pictures are larger than 4096 pixels");
  }
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER && !bounded->refused &&
      !bounded->undecoded.add(gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info))))
    bounded->refuse("its pictures cannot be decoded");
  return bounded->refused ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_decoded(GstPad*, GstPadProbeInfo*, gpointer data) {
  static_cast<Bounded*>(data)->undecoded.decoded();
  return GST_PAD_PROBE_OK;
}

// All on the thread that decodes.
void bound_pictures(GstElement* bin, const Bounded& as) {
  auto* bounded = new Bounded(as);
  const ElementPtr decoder(gst_bin_get_by_name(GST_BIN(bin), "decoder"));
  const PadPtr first(gst_element_get_static_pad(bin, "sink"));
  const PadPtr coded(gst_element_get_static_pad(decoder.get(), "sink"));
  const PadPtr decoded(gst_element_get_static_pad(decoder.get(), "src"));
  gst_pad_add_probe(coded.get(),
                    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                    on_decoder_data, bounded, nullptr);
  gst_pad_add_probe(decoded.get(), GST_PAD_PROBE_TYPE_BUFFER, on_decoded, bounded, nullptr);
  gst_pad_add_probe(first.get(), GST_PAD_PROBE_TYPE_BUFFER, on_packet, bounded, nullptr);
  g_object_set_data_full(G_OBJECT(bin), "bounded", bounded, [](gpointer data) { delete static_cast<Bounded*>(data); });
}

}  // namespace

Publisher::Publisher(SessionPlan plan, const PublisherSettings& settings, std::weak_ptr<PublisherTarget> target)
    : Session("publisher", std::move(plan), settings.ice, settings.latency_ms),
      settings_(settings),
      target_(std::move(target)) {}

void Publisher::build() {
  peer().on_pad([weak = weak_from_this()](GstPad* pad) {
    if (const auto self = std::static_pointer_cast<Publisher>(weak.lock())) self->receive(pad);
  });
  if (!peer().play()) throw std::runtime_error("the publisher's pipeline does not start");
}

// Which of the sections it is, is told by the payload type.
void Publisher::receive(GstPad* pad) {
  CapsPtr caps(gst_pad_get_current_caps(pad));
  if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
  gint type = -1;
  if (caps && gst_caps_get_size(caps.get()) > 0)
    gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "payload", &type);
  const PlannedSection* section = nullptr;
  for (const std::size_t i : plan().active()) {
    if (plan().sections[i].offered.payload_type == type) section = &plan().sections[i];
  }
  if (!section) return;
  const bool video = section->codec != CodecKind::kOpus;
  const std::string convert =
      video ? " ! videoconvert n-threads=1 ! videoscale add-borders=true n-threads=1 ! capsfilter name=caps"
            : " ! audioconvert ! audioresample ! capsfilter name=caps";
  const std::string line =
      decoder_of(section->codec) + convert + " ! appsink name=out sync=false async=false max-buffers=4";
  GstElement* bin = nullptr;
  try {
    bin = make_bin(line);
  } catch (const std::exception& error) {
    return close(std::string("no decoder: ") + error.what());
  }
  if (video) bound_pictures(bin, {weak_from_this(), PictureBound(section->codec)});
  const ElementPtr filter(gst_bin_get_by_name(GST_BIN(bin), "caps"));
  const CapsPtr wanted(gst_caps_from_string((video ? settings_.video_caps : settings_.audio_caps).c_str()));
  g_object_set(filter.get(), "caps", wanted.get(), nullptr);
  const ElementPtr sink(gst_bin_get_by_name(GST_BIN(bin), "out"));
  GstAppSinkCallbacks callbacks{};
  if (video) {
    callbacks.new_sample = [](GstAppSink* from, gpointer data) {
      const SamplePtr sample(gst_app_sink_pull_sample(from));
      const auto self = static_cast<std::weak_ptr<Session>*>(data)->lock();
      if (sample && self) std::static_pointer_cast<Publisher>(self)->take(sample.get(), true);
      return GST_FLOW_OK;
    };
  } else {
    callbacks.new_sample = [](GstAppSink* from, gpointer data) {
      const SamplePtr sample(gst_app_sink_pull_sample(from));
      const auto self = static_cast<std::weak_ptr<Session>*>(data)->lock();
      if (sample && self) std::static_pointer_cast<Publisher>(self)->take(sample.get(), false);
      return GST_FLOW_OK;
    };
  }
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, new std::weak_ptr<Session>(weak_from_this()),
                             [](gpointer data) { delete static_cast<std::weak_ptr<Session>*>(data); });
  gst_bin_add(GST_BIN(peer().pipeline()), bin);
  gst_element_sync_state_with_parent(bin);
  const PadPtr target(gst_element_get_static_pad(bin, "sink"));
  if (gst_pad_link(pad, target.get()) != GST_PAD_LINK_OK) close("the decoder does not take the stream");
}

void Publisher::take(GstSample* sample, bool video) {
  const auto target = target_.lock();
  GstCaps* caps = gst_sample_get_caps(sample);
  GstBuffer* taken = gst_sample_get_buffer(sample);
  if (!target || !caps || !taken) return;
  last_media_ = g_get_monotonic_time();
  const BufferPtr buffer(gst_buffer_copy(taken));
  const guint64 running =
      gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME, GST_BUFFER_PTS(taken));
  // The session's running time is media time.
  GST_BUFFER_PTS(buffer.get()) = GST_CLOCK_TIME_IS_VALID(running) ? running : media_now();
  ++(video ? video_frames_ : audio_buffers_);
  if (video) {
    target->on_video(buffer.get(), caps);
  } else {
    target->on_audio(buffer.get(), caps);
  }
}

void Publisher::on_connected() {
  last_media_ = g_get_monotonic_time();
  bool video = false, audio = false;
  for (const std::size_t i : plan().active())
    (plan().offer.sections[i].kind == MediaKind::kVideo ? video : audio) = true;
  if (const auto target = target_.lock()) target->publisher_joined(id(), video, audio);
}

void Publisher::on_closing() {
  const auto target = target_.lock();
  if (target && connected()) target->publisher_left(id());
}

bool Publisher::alive() {
  const double media_silence = static_cast<double>(g_get_monotonic_time() - last_media_) / G_USEC_PER_SEC;
  return std::min(media_silence, peer().silence_s()) < kSilence;
}

PublisherStats Publisher::stats() const {
  return {id(), connected(), video_frames_, audio_buffers_};
}

}  // namespace liveedit::streaming
