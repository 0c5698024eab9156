// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-livewebrtcsink
 * @title: livewebrtcsink
 * @short_description: shows a video live in browsers
 *
 * Serves raw video, and with a pad `audio_sink` sound, to any number of browsers by WebRTC, with a delay of a few
 * hundredths of a second. The page that shows it is at `/`; players that speak WHEP are pointed to `/whep`. Nothing
 * else is needed: the web server is in the element.
 *
 * The picture is encoded once for all who watch, as VP8, or as H.264 for viewers that prefer it; its bitrate follows
 * the loss and the round-trip times that they report, between #GstLiveWebrtcSink:min-bitrate and
 * #GstLiveWebrtcSink:max-bitrate. A slow viewer loses pictures of its own and nobody else's.
 *
 * Only this machine can connect unless #GstLiveWebrtcSink:bind-address says otherwise; then a #GstLiveWebrtcSink:token
 * is wanted, which the page takes from its address: `http://host:8080/#token=...`.
 *
 * On the bus, element messages `viewer-joined` and `viewer-left` have the fields `session-id` (string) and `viewers`
 * (uint, who are watching then).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true pattern=ball ! livewebrtcsink port=8080
 * ]| A test picture at http://localhost:8080.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! diffusionfilter
 * prompt="watercolor painting" ! videoconvert ! livewebrtcsink name=s  autoaudiosrc ! audioconvert ! queue !
 * s.audio_sink
 * ]| The camera, edited, with the microphone.
 */
#include "streaming/webrtc/gstlivewebrtcsink.h"

#include <atomic>
#include <mutex>

#include <gst/app/app.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "streaming/base/error.h"
#include "streaming/base/server_properties.h"
#include "streaming/base/serving_state.h"
#include "streaming/webrtc/broadcast.h"
#include "streaming/webrtc/ice_properties.h"
#include "streaming/webrtc/media_clock.h"
#include "streaming/webrtc/pages.h"
#include "streaming/webrtc/signalling.h"
#include "streaming/webrtc/warm_up.h"

using namespace liveedit::streaming;  // NOLINT: the element stands on this room

GST_DEBUG_CATEGORY_STATIC(live_webrtc_sink_debug);
#define GST_CAT_DEFAULT live_webrtc_sink_debug

#define SIZES "width=(int)[16,8192], height=(int)[16,8192], framerate=(fraction)[0/1,2147483647/1]"
// What encoders take comes first: a source that can do everything would choose 64 bits a pixel otherwise.
#define VIDEO_CAPS                           \
  "video/x-raw, format=(string)I420, " SIZES \
  "; "                                       \
  "video/x-raw, format=(string)" GST_VIDEO_FORMATS_ALL ", " SIZES
#define AUDIO_CAPS GST_AUDIO_CAPS_MAKE(GST_AUDIO_FORMATS_ALL) ", layout=(string)interleaved"

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_sink", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(AUDIO_CAPS));

namespace {

constexpr guint kDefaultMaxViewers = 64;
constexpr bool kDefaultSync = true;

enum Property : guint {
  kPropNone,
  kPropVideoCaps,
  kPropMinBitrate,
  kPropStartBitrate,
  kPropMaxBitrate,
  kPropMaxViewers,
  kPropSync,
  kPropUrl,
  kPropStats,
  kPropFirstIce,
  kPropFirstServer = kPropFirstIce + kIcePropertyCount,
};

enum Signal { kConsumerAdded, kConsumerRemoved, kSignalCount };
guint signals[kSignalCount];

struct Settings {
  http::ServerConfig server;
  BroadcastSettings broadcast;
  CapsPtr video_caps;  // null: all codecs
  guint max_viewers = kDefaultMaxViewers;
  bool sync = kDefaultSync;
};

// Tells the application who comes and goes, as long as the element lives.
class Announcer : public BroadcastListener {
 public:
  explicit Announcer(GstElement* element) { g_weak_ref_init(&element_, element); }
  ~Announcer() override { g_weak_ref_clear(&element_); }
  void viewer_joined(const std::string& id, GstElement* webrtcbin) override {
    announce("viewer-joined", kConsumerAdded, id, webrtcbin, ++watching_);
  }
  void viewer_left(const std::string& id, GstElement* webrtcbin) override {
    announce("viewer-left", kConsumerRemoved, id, webrtcbin, --watching_);
  }
  void encoder_failed(CodecKind codec, const std::string& why) override;
  int watching() const { return watching_; }

 private:
  void announce(const char* what, Signal signal, const std::string& id, GstElement* webrtcbin, int watching);

  GWeakRef element_;
  std::atomic<int> watching_{0};
};

// What runs from READY on.
struct Serving {
  std::shared_ptr<Announcer> announcer;
  std::shared_ptr<Broadcast> broadcast;
  std::shared_ptr<Signalling> signalling;
  std::shared_ptr<http::Server> server;
};

struct Priv {
  std::mutex mutex;
  Settings settings;                 // mutex
  std::shared_ptr<Serving> serving;  // mutex
  std::atomic<guint64> frames{0};
  GstElement* video = nullptr;  // appsinks; the bin owns them
  ElementPtr audio;  // mutex; null without the pad. Held, because a dying bin lets its elements go before its pads
};

void Announcer::announce(const char* what, Signal signal, const std::string& id, GstElement* webrtcbin, int watching) {
  const ElementPtr element(static_cast<GstElement*>(g_weak_ref_get(&element_)));
  if (!element) return;
  gst_element_post_message(
      element.get(),
      gst_message_new_element(GST_OBJECT(element.get()),
                              gst_structure_new(what, "session-id", G_TYPE_STRING, id.c_str(), "viewers", G_TYPE_UINT,
                                                static_cast<guint>(std::max(watching, 0)), nullptr)));
  g_signal_emit(element.get(), signals[signal], 0, id.c_str(), webrtcbin);
}

void Announcer::encoder_failed(CodecKind codec, const std::string& why) {
  const ElementPtr element(static_cast<GstElement*>(g_weak_ref_get(&element_)));
  if (!element) return;
  GST_ELEMENT_WARNING(element.get(), STREAM, ENCODE,
                      ("The %s encoder failed; its viewers were sent away and may come again.", name_of(codec)),
                      ("%s", why.c_str()));
}

}  // namespace

struct _GstLiveWebrtcSink {
  GstBin parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstLiveWebrtcSink, gst_live_webrtc_sink, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(live_webrtc_sink_debug, "livewebrtcsink", 0,
                                                "shows a video live in browsers"))
GST_ELEMENT_REGISTER_DEFINE(livewebrtcsink, "livewebrtcsink", GST_RANK_NONE, GST_TYPE_LIVE_WEBRTC_SINK)

#define parent_class gst_live_webrtc_sink_parent_class

static Priv* priv_of(gpointer self) {
  return GST_LIVE_WEBRTC_SINK(self)->priv;
}

static std::shared_ptr<Serving> serving_of(Priv* priv) {
  std::lock_guard lock(priv->mutex);
  return priv->serving;
}

/* ---- media ---- */

// The moment the buffer is due, in media time.
static GstClockTime due_time(GstAppSink* sink, GstSample* sample) {
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  const guint64 running =
      gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(running)) return media_now();
  return media_time_of(GST_ELEMENT(sink), running + gst_base_sink_get_latency(GST_BASE_SINK(sink)));
}

static GstFlowReturn take_sample(GstAppSink* sink, GstSample* taken, Priv* priv, bool video) {
  const SamplePtr sample(taken);
  const std::shared_ptr<Serving> serving = serving_of(priv);
  if (!sample || !serving || !gst_sample_get_buffer(sample.get()) || !gst_sample_get_caps(sample.get()))
    return GST_FLOW_OK;
  // A copy of what describes the buffer; its memory is shared.
  const BufferPtr buffer(gst_buffer_copy(gst_sample_get_buffer(sample.get())));
  GST_BUFFER_PTS(buffer.get()) = due_time(sink, sample.get());
  if (video) {
    ++priv->frames;
    serving->broadcast->push_video(buffer.get(), gst_sample_get_caps(sample.get()));
  } else {
    serving->broadcast->push_audio(buffer.get(), gst_sample_get_caps(sample.get()));
  }
  return GST_FLOW_OK;
}

static GstElement* make_sink(GstLiveWebrtcSink* self, const char* name, bool video) {
  GstElement* sink = gst_element_factory_make("appsink", name);
  g_object_set(sink, "max-buffers", 1, "enable-last-sample", FALSE, "sync", self->priv->settings.sync, nullptr);
  GstAppSinkCallbacks callbacks{};
  if (video) {
    // A picture that waits in PAUSED is already shown.
    callbacks.new_preroll = [](GstAppSink* from, gpointer data) {
      return take_sample(from, gst_app_sink_pull_preroll(from), static_cast<Priv*>(data), true);
    };
    callbacks.new_sample = [](GstAppSink* from, gpointer data) {
      return take_sample(from, gst_app_sink_pull_sample(from), static_cast<Priv*>(data), true);
    };
  } else {
    callbacks.new_sample = [](GstAppSink* from, gpointer data) {
      return take_sample(from, gst_app_sink_pull_sample(from), static_cast<Priv*>(data), false);
    };
  }
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, self->priv, nullptr);
  gst_bin_add(GST_BIN(self), sink);
  return sink;
}

static void add_ghost_pad(GstLiveWebrtcSink* self, GstElement* sink, GstPadTemplate* from, const char* name) {
  const PadPtr target(gst_element_get_static_pad(sink, "sink"));
  GstPad* pad = gst_ghost_pad_new_from_template(name, target.get(), from);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(GST_ELEMENT(self), pad);
}

static GstPad* gst_live_webrtc_sink_request_new_pad(GstElement* element, GstPadTemplate* from, const gchar*,
                                                    const GstCaps*) {
  GstLiveWebrtcSink* self = GST_LIVE_WEBRTC_SINK(element);
  Priv* priv = self->priv;
  {
    std::lock_guard lock(priv->mutex);
    if (priv->audio) return nullptr;
  }
  GstElement* audio = make_sink(self, "audio", false);
  add_ghost_pad(self, audio, from, "audio_sink");
  gst_element_sync_state_with_parent(audio);
  {
    std::lock_guard lock(priv->mutex);
    priv->audio.reset(GST_ELEMENT(gst_object_ref(audio)));
    if (priv->serving) priv->serving->broadcast->set_audio(true);
  }
  const PadPtr pad(gst_element_get_static_pad(element, "audio_sink"));
  return pad.get();  // the element owns it
}

static void gst_live_webrtc_sink_release_pad(GstElement* element, GstPad* pad) {
  Priv* priv = priv_of(element);
  ElementPtr audio;
  {
    std::lock_guard lock(priv->mutex);
    audio = std::move(priv->audio);
    if (priv->serving) priv->serving->broadcast->set_audio(false);
  }
  if (!audio) return;
  gst_element_set_locked_state(audio.get(), TRUE);
  gst_element_set_state(audio.get(), GST_STATE_NULL);
  gst_ghost_pad_set_target(GST_GHOST_PAD(pad), nullptr);
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
  if (gst_object_has_as_parent(GST_OBJECT(audio.get()), GST_OBJECT(element)))
    gst_bin_remove(GST_BIN(element), audio.get());
}

/* ---- states ---- */

static std::vector<CodecKind> codecs_of(const GstCaps* caps) {
  if (!caps) return {CodecKind::kVp8, CodecKind::kH264};
  std::vector<CodecKind> codecs;
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GstStructure* structure = gst_caps_get_structure(caps, i);
    if (gst_structure_has_name(structure, "video/x-vp8")) codecs.push_back(CodecKind::kVp8);
    if (gst_structure_has_name(structure, "video/x-h264")) codecs.push_back(CodecKind::kH264);
  }
  return codecs;
}

static BroadcastSettings checked_settings(const Settings& settings) {
  BroadcastSettings broadcast = settings.broadcast;
  broadcast.video_codecs = codecs_of(settings.video_caps.get());
  if (broadcast.video_codecs.empty())
    throw Error(ErrorKind::kSettings, "video-caps names neither video/x-vp8 nor video/x-h264.");
  const BitrateLimits& bitrate = broadcast.bitrate;
  if (bitrate.min > bitrate.start || bitrate.start > bitrate.max)
    throw Error(ErrorKind::kSettings, "min-bitrate, start-bitrate and max-bitrate are not in this order.");
  bool any = false;
  for (const CodecKind codec : broadcast.video_codecs) any |= SharedEncoder::available(codec);
  if (!any)
    throw Error(ErrorKind::kUnavailable,
                "None of the encoders for video-caps is installed. Install gstreamer1.0-plugins-good and -ugly.");
  check_ice(broadcast.ice);
  return broadcast;
}

static std::shared_ptr<Serving> start_serving(GstLiveWebrtcSink* self, const Settings& settings) {
  auto serving = std::make_shared<Serving>();
  const BroadcastSettings broadcast = checked_settings(settings);
  serving->announcer = std::make_shared<Announcer>(GST_ELEMENT(self));
  serving->broadcast = Broadcast::create(broadcast, serving->announcer);
  serving->broadcast->set_audio(self->priv->audio != nullptr);
  serving->signalling = std::make_shared<Signalling>(
      SignallingSettings{"/whep", settings.max_viewers, "As many as may watch are watching already.",
                         ice_server_links(broadcast.ice)},
      [stream = serving->broadcast](Offer offer) { return stream->make_viewer(std::move(offer)); });
  std::vector<http::Route> routes = viewer_pages();
  for (http::Route& route : serving->signalling->routes()) routes.push_back(std::move(route));
  serving->server = http::Server::start(settings.server, std::move(routes));
  return serving;
}

static void start(GstLiveWebrtcSink* self) {
  std::lock_guard lock(self->priv->mutex);
  self->priv->frames = 0;
  self->priv->serving = start_serving(self, self->priv->settings);
  begin_warm_up();
}

static void stop(GstLiveWebrtcSink* self) {
  std::shared_ptr<Serving> serving;
  {
    std::lock_guard lock(self->priv->mutex);
    serving = std::exchange(self->priv->serving, nullptr);
  }
  if (!serving) return;
  serving->server->stop();
  wait_warm_up();
  serving->signalling->close_all("the stream has ended");
  serving->broadcast->stop();
}

static GstStateChangeReturn gst_live_webrtc_sink_change_state(GstElement* element, GstStateChange change) {
  GstLiveWebrtcSink* self = GST_LIVE_WEBRTC_SINK(element);
  return change_serving_state(element, change, parent_class,
                              {GST_STATE_CHANGE_NULL_TO_READY, GST_STATE_CHANGE_READY_TO_NULL, [self] { start(self); },
                               [self] { stop(self); }});
}

/* ---- properties ---- */

static void append(GValue* list, GstStructure* structure) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed(&value, structure);
  gst_value_array_append_and_take_value(list, &value);
}

static GstStructure* make_stats(Priv* priv) {
  GValue encoders = G_VALUE_INIT, sessions = G_VALUE_INIT;
  gst_value_array_init(&encoders, 0);
  gst_value_array_init(&sessions, 0);
  guint watching = 0;
  if (const auto serving = serving_of(priv)) {
    watching = static_cast<guint>(std::max(serving->announcer->watching(), 0));
    for (const EncoderStats& encoder : serving->broadcast->encoders())
      append(&encoders,
             gst_structure_new("encoder", "codec", G_TYPE_STRING, name_of(encoder.codec), "bitrate", G_TYPE_INT,
                               encoder.bitrate, "frames", G_TYPE_UINT64, encoder.frames, nullptr));
    for (const ViewerStats& viewer : serving->broadcast->viewers())
      append(&sessions,
             gst_structure_new("viewer", "session-id", G_TYPE_STRING, viewer.id.c_str(), "connected", G_TYPE_BOOLEAN,
                               viewer.connected, "bitrate", G_TYPE_INT, viewer.bitrate, "round-trip-time",
                               G_TYPE_DOUBLE, viewer.report.round_trip_s, "fraction-lost", G_TYPE_DOUBLE,
                               viewer.report.fraction_lost, "packets-lost", G_TYPE_UINT64, viewer.report.packets_lost,
                               "packets-sent", G_TYPE_UINT64, viewer.report.packets_sent, "bytes-sent", G_TYPE_UINT64,
                               viewer.report.bytes_sent, "frames-dropped", G_TYPE_UINT64, viewer.dropped,
                               "packets-resent", G_TYPE_UINT64, viewer.resent, nullptr));
  }
  GstStructure* stats = gst_structure_new("application/x-liveedit-webrtc-stats", "viewers", G_TYPE_UINT, watching,
                                          "frames-in", G_TYPE_UINT64, priv->frames.load(), nullptr);
  gst_structure_take_value(stats, "encoders", &encoders);
  gst_structure_take_value(stats, "sessions", &sessions);
  return stats;
}

static void set_sync(Priv* priv, bool sync) {
  priv->settings.sync = sync;
  g_object_set(priv->video, "sync", sync, nullptr);
  if (priv->audio) g_object_set(priv->audio.get(), "sync", sync, nullptr);
}

static void gst_live_webrtc_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  std::lock_guard lock(priv->mutex);
  Settings& settings = priv->settings;
  switch (id) {
    case kPropVideoCaps:
      settings.video_caps.reset(static_cast<GstCaps*>(g_value_dup_boxed(value)));
      return;
    case kPropMinBitrate:
      settings.broadcast.bitrate.min = static_cast<int>(g_value_get_uint(value));
      return;
    case kPropStartBitrate:
      settings.broadcast.bitrate.start = static_cast<int>(g_value_get_uint(value));
      return;
    case kPropMaxBitrate:
      settings.broadcast.bitrate.max = static_cast<int>(g_value_get_uint(value));
      return;
    case kPropMaxViewers:
      settings.max_viewers = g_value_get_uint(value);
      return;
    case kPropSync:
      set_sync(priv, g_value_get_boolean(value));
      return;
    default:
      break;
  }
  if (set_ice_property(&settings.broadcast.ice, kPropFirstIce, id, value)) return;
  if (set_server_property(&settings.server, kPropFirstServer, id, value)) return;
  G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void gst_live_webrtc_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  if (id == kPropStats) return g_value_take_boxed(value, make_stats(priv));
  std::lock_guard lock(priv->mutex);
  const Settings& settings = priv->settings;
  switch (id) {
    case kPropVideoCaps:
      g_value_set_boxed(value, settings.video_caps.get());
      return;
    case kPropMinBitrate:
      g_value_set_uint(value, static_cast<guint>(settings.broadcast.bitrate.min));
      return;
    case kPropStartBitrate:
      g_value_set_uint(value, static_cast<guint>(settings.broadcast.bitrate.start));
      return;
    case kPropMaxBitrate:
      g_value_set_uint(value, static_cast<guint>(settings.broadcast.bitrate.max));
      return;
    case kPropMaxViewers:
      g_value_set_uint(value, settings.max_viewers);
      return;
    case kPropSync:
      g_value_set_boolean(value, settings.sync);
      return;
    case kPropUrl:
      g_value_set_string(value, priv->serving ? priv->serving->server->url().c_str() : "");
      return;
    default:
      break;
  }
  if (get_ice_property(settings.broadcast.ice, kPropFirstIce, id, value)) return;
  if (get_server_property(settings.server, kPropFirstServer, id, value)) return;
  G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static GParamSpec* bitrate_spec(const char* name, const char* nick, const char* blurb, int value, GParamFlags flags) {
  return g_param_spec_uint(name, nick, blurb, 10'000, 100'000'000, static_cast<guint>(value), flags);
}

static void install_properties(GObjectClass* klass) {
  const auto ready = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto live = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const BitrateLimits defaults = BroadcastSettings{}.bitrate;
  g_object_class_install_property(
      klass, kPropVideoCaps,
      g_param_spec_boxed("video-caps", "Video caps",
                         "Which codecs viewers may choose from: video/x-vp8, video/x-h264; not set: both",
                         GST_TYPE_CAPS, ready));
  g_object_class_install_property(
      klass, kPropMinBitrate,
      bitrate_spec("min-bitrate", "Least bitrate", "Least bitrate of the video in bits a second", defaults.min, ready));
  g_object_class_install_property(
      klass, kPropStartBitrate,
      bitrate_spec("start-bitrate", "Start bitrate",
                   "Bitrate of the video, in bits a second, until viewers have reported", defaults.start, ready));
  g_object_class_install_property(klass, kPropMaxBitrate,
                                  bitrate_spec("max-bitrate", "Greatest bitrate",
                                               "Greatest bitrate of the video in bits a second", defaults.max, ready));
  g_object_class_install_property(klass, kPropMaxViewers,
                                  g_param_spec_uint("max-viewers", "Most viewers",
                                                    "How many may watch at once; the next is told to try again later",
                                                    1, 10'000, kDefaultMaxViewers, ready));
  g_object_class_install_property(
      klass, kPropSync,
      g_param_spec_boolean("sync", "Sync", "Show each frame when it is due; false: as soon as it comes", kDefaultSync,
                           live));
  install_report_properties(klass, kPropUrl,
                            "Where the page is, from READY on; tells the port where port=0 let the system choose",
                            kPropStats, "Who watches, what their links do, and what the encoders make");
  install_ice_properties(klass, kPropFirstIce);
  install_server_properties(klass, kPropFirstServer, http::ServerConfig{}.port);
}

/* ---- life ---- */

static void gst_live_webrtc_sink_finalize(GObject* object) {
  // The appsinks refer to priv until they go with the bin.
  Priv* priv = priv_of(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
  delete priv;
}

static void gst_live_webrtc_sink_class_init(GstLiveWebrtcSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_live_webrtc_sink_set_property;
  object_class->get_property = gst_live_webrtc_sink_get_property;
  object_class->finalize = gst_live_webrtc_sink_finalize;
  install_properties(object_class);
  /**
   * GstLiveWebrtcSink::consumer-added:
   * @id: the viewer's session
   * @webrtcbin: the element that serves the viewer
   *
   * A viewer is connected and gets the stream from now on. Emitted from the session's thread, which must not be held
   * up.
   */
  signals[kConsumerAdded] = g_signal_new("consumer-added", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr,
                                         nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_STRING, GST_TYPE_ELEMENT);
  /**
   * GstLiveWebrtcSink::consumer-removed:
   * @id: the viewer's session
   * @webrtcbin: the element that served the viewer
   *
   * A viewer who was connected has gone. Emitted from the session's thread.
   */
  signals[kConsumerRemoved] = g_signal_new("consumer-removed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr,
                                           nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_STRING, GST_TYPE_ELEMENT);
  element_class->change_state = gst_live_webrtc_sink_change_state;
  element_class->request_new_pad = gst_live_webrtc_sink_request_new_pad;
  element_class->release_pad = gst_live_webrtc_sink_release_pad;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(element_class, "Live WebRTC sink", "Sink/Network",
                                        "Shows a video live in browsers: a web server with a page, WHEP and WebRTC",
                                        "gst-liveedit");
}

static void gst_live_webrtc_sink_init(GstLiveWebrtcSink* self) {
  self->priv = new Priv;
  self->priv->video = make_sink(self, "video", true);
  GstElementClass* klass = GST_ELEMENT_GET_CLASS(self);
  add_ghost_pad(self, self->priv->video, gst_element_class_get_pad_template(klass, "sink"), "sink");
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
