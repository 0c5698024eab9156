// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-livewebrtcsrc
 * @title: livewebrtcsrc
 * @short_description: takes camera and microphone of a browser
 *
 * A WHIP server as a source: whoever opens the page at `/` publishes camera and microphone, and any other WHIP client
 * is pointed to `/whip`. The web server is in the element. VP8, H.264 and Opus are taken and come out decoded, on the
 * pads `video` and `audio`.
 *
 * One publishes at a time; the next is told to try again. When the publisher goes, the pads go on with the last picture
 * or a black one
 * (#GstLiveWebrtcSrc:fallback) and with silence, and the next publisher takes over without a restart of the pipeline.
 *
 * The pads come with the first publisher, with the size of what is published, which may change later.
 * #GstLiveWebrtcSrc:video-caps with width, height and framerate, and #GstLiveWebrtcSrc:audio-caps, fix what comes out;
 * then the pads are there from the start, black and silent.
 *
 * Browsers give pages camera and microphone only on https addresses and on localhost: from another machine
 * #GstLiveWebrtcSrc:tls-certificate is needed.
 *
 * On the bus, element messages `publisher-joined` (fields `session-id`, `video`, `audio`) and `publisher-left`
 * (`session-id`).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 livewebrtcsrc port=8081 ! videoconvert ! autovideosink
 * ]| Whoever opens http://localhost:8081 is seen in a window.
 * |[
 * gst-launch-1.0 livewebrtcsrc video-caps="video/x-raw,width=384,height=288,framerate=15/1" ! videoconvert !
 * queue leaky=downstream max-size-buffers=1 ! diffusionfilter prompt="mosaic" ! videoconvert ! livewebrtcsink
 * ]| A browser's camera at http://localhost:8081, edited, is shown at http://localhost:8080.
 */
#include "streaming/webrtc/gstlivewebrtcsrc.h"

#include <mutex>

#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "streaming/base/error.h"
#include "streaming/base/server_properties.h"
#include "streaming/base/serving_state.h"
#include "streaming/webrtc/ice_properties.h"
#include "streaming/webrtc/ingest.h"
#include "streaming/webrtc/pages.h"
#include "streaming/webrtc/signalling.h"
#include "streaming/webrtc/warm_up.h"

using namespace liveedit::streaming;  // NOLINT: the element stands on this room

GST_DEBUG_CATEGORY_STATIC(live_webrtc_src_debug);
#define GST_CAT_DEFAULT live_webrtc_src_debug

#define VIDEO_CAPS GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)
#define AUDIO_CAPS GST_AUDIO_CAPS_MAKE(GST_AUDIO_FORMATS_ALL) ", layout=(string)interleaved"

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(AUDIO_CAPS));

namespace {

constexpr int kDefaultPort = 8081;
constexpr int kDefaultLatencyMs = 50;
constexpr Fallback kDefaultFallback = Fallback::kLastFrame;
constexpr GstClockTime kDecodingTime = 50 * GST_MSECOND;

enum Property : guint {
  kPropNone,
  kPropVideoCaps,
  kPropAudioCaps,
  kPropFallback,
  kPropLatency,
  kPropUrl,
  kPropStats,
  kPropFirstIce,
  kPropFirstServer = kPropFirstIce + kIcePropertyCount,
};

struct Settings {
  Settings() { server.port = kDefaultPort; }
  http::ServerConfig server;
  IceSettings ice;
  CapsPtr video_caps, audio_caps;  // null: as published
  Fallback fallback = kDefaultFallback;
  int latency_ms = kDefaultLatencyMs;
};

// What runs from READY on.
struct Serving {
  std::shared_ptr<Ingest> ingest;
  std::shared_ptr<Signalling> signalling;
  std::shared_ptr<http::Server> server;
  // What publishers are converted to, and, where that is fixed, the caps that the pads have from the start.
  PublisherSettings publisher;
  CapsPtr fixed_video, fixed_audio;
};

struct Priv {
  std::mutex mutex;
  Settings settings;                 // mutex
  std::shared_ptr<Serving> serving;  // mutex
};

}  // namespace

struct _GstLiveWebrtcSrc {
  GstBin parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstLiveWebrtcSrc, gst_live_webrtc_src, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(live_webrtc_src_debug, "livewebrtcsrc", 0,
                                                "takes camera and microphone of a browser"))
GST_ELEMENT_REGISTER_DEFINE(livewebrtcsrc, "livewebrtcsrc", GST_RANK_NONE, GST_TYPE_LIVE_WEBRTC_SRC)

#define parent_class gst_live_webrtc_src_parent_class

static Priv* priv_of(gpointer self) {
  return GST_LIVE_WEBRTC_SRC(self)->priv;
}

static std::shared_ptr<Serving> serving_of(Priv* priv) {
  std::lock_guard lock(priv->mutex);
  return priv->serving;
}

static GType fallback_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Fallback::kLastFrame), "The last picture that came", "last-frame"},
      {static_cast<gint>(Fallback::kBlack), "A black picture", "black"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstLiveWebrtcSrcFallback", values);
  return type;
}

/* ---- states ---- */

static std::string text_of(const GstCaps* caps) {
  gchar* text = gst_caps_to_string(caps);
  const std::string copy = text;
  g_free(text);
  return copy;
}

// `wanted` within what `pad_template` allows. Throws Error(kSettings) where nothing is left.
static CapsPtr allowed_caps(const GstCaps* wanted, GstStaticPadTemplate* pad_template, const char* property) {
  const CapsPtr all(gst_static_pad_template_get_caps(pad_template));
  CapsPtr allowed(gst_caps_intersect(const_cast<GstCaps*>(wanted), all.get()));
  if (gst_caps_is_empty(allowed.get()))
    throw Error(ErrorKind::kSettings, std::string(property) + " \"" + text_of(wanted) + "\" is not raw " +
                                          (pad_template == &video_template ? "video" : "interleaved audio") +
                                          " in system memory.");
  return allowed;
}

static bool has_fixed(const GstCaps* caps, std::initializer_list<const char*> fields) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  for (const char* field : fields) {
    const GValue* value = gst_structure_get_value(structure, field);
    if (!value || !gst_value_is_fixed(value)) return false;
  }
  return true;
}

static void settle_caps(const Settings& settings, Serving* serving) {
  if (settings.video_caps) {
    const CapsPtr caps = allowed_caps(settings.video_caps.get(), &video_template, "video-caps");
    serving->publisher.video_caps = text_of(caps.get());
    if (has_fixed(caps.get(), {"width", "height", "framerate"})) {
      // Square pixels, and I420 where the caps leave it open: what decoders give.
      CapsPtr one(gst_caps_copy_nth(caps.get(), 0));
      GstStructure* structure = gst_caps_get_structure(one.get(), 0);
      gst_structure_fixate_field_string(structure, "format", "I420");
      if (!gst_structure_has_field(structure, "pixel-aspect-ratio"))
        gst_structure_set(structure, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
      serving->fixed_video.reset(gst_caps_fixate(one.release()));
      // The rate is kept by what goes out, not by what comes in.
      CapsPtr converted(gst_caps_copy(serving->fixed_video.get()));
      gst_structure_remove_fields(gst_caps_get_structure(converted.get(), 0), "framerate", "colorimetry", "chroma-site",
                                  nullptr);
      serving->publisher.video_caps = text_of(converted.get());
    }
  }
  if (settings.audio_caps) {
    CapsPtr caps = allowed_caps(settings.audio_caps.get(), &audio_template, "audio-caps");
    caps.reset(gst_caps_truncate(caps.release()));
    GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
    gst_structure_fixate_field_string(structure, "format", "S16LE");
    gst_structure_fixate_field_nearest_int(structure, "rate", 48000);
    gst_structure_fixate_field_nearest_int(structure, "channels", 2);
    serving->fixed_audio.reset(gst_caps_fixate(caps.release()));
    serving->publisher.audio_caps = text_of(serving->fixed_audio.get());
  }
}

static std::shared_ptr<Serving> start_serving(GstLiveWebrtcSrc* self, const Settings& settings) {
  auto serving = std::make_shared<Serving>();
  check_ice(settings.ice);
  serving->publisher.ice = settings.ice;
  serving->publisher.latency_ms = settings.latency_ms;
  settle_caps(settings, serving.get());
  serving->ingest = std::make_shared<Ingest>(GST_ELEMENT(self));
  serving->signalling = std::make_shared<Signalling>(
      SignallingSettings{"/whip", 1, "Somebody is publishing here already.", ice_server_links(settings.ice)},
      [publisher = serving->publisher, target = std::weak_ptr<PublisherTarget>(serving->ingest)](Offer offer) {
        return std::make_shared<Publisher>(plan_publisher(std::move(offer)), publisher, target);
      });
  std::vector<http::Route> routes = publisher_pages();
  for (http::Route& route : serving->signalling->routes()) routes.push_back(std::move(route));
  serving->server = http::Server::start(settings.server, std::move(routes));
  return serving;
}

static void start(GstLiveWebrtcSrc* self) {
  std::lock_guard lock(self->priv->mutex);
  self->priv->serving = start_serving(self, self->priv->settings);
  begin_warm_up();
}

static void stop(GstLiveWebrtcSrc* self) {
  std::shared_ptr<Serving> serving;
  {
    std::lock_guard lock(self->priv->mutex);
    serving = std::exchange(self->priv->serving, nullptr);
  }
  if (!serving) return;
  serving->server->stop();
  wait_warm_up();
  serving->signalling->close_all("the source has ended");
}

static void open_outputs(GstLiveWebrtcSrc* self) {
  Ingest::Outputs outputs;
  std::shared_ptr<Serving> serving;
  {
    std::lock_guard lock(self->priv->mutex);
    serving = self->priv->serving;
    outputs.fallback = self->priv->settings.fallback;
    outputs.latency = static_cast<GstClockTime>(self->priv->settings.latency_ms) * GST_MSECOND + kDecodingTime;
  }
  if (serving->fixed_video) outputs.video_caps.reset(gst_caps_ref(serving->fixed_video.get()));
  if (serving->fixed_audio) outputs.audio_caps.reset(gst_caps_ref(serving->fixed_audio.get()));
  serving->ingest->open(GST_BIN(self), std::move(outputs));
}

static GstStateChangeReturn gst_live_webrtc_src_change_state(GstElement* element, GstStateChange change) {
  GstLiveWebrtcSrc* self = GST_LIVE_WEBRTC_SRC(element);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED) open_outputs(self);
  const GstStateChangeReturn result =
      change_serving_state(element, change, parent_class,
                           {GST_STATE_CHANGE_NULL_TO_READY, GST_STATE_CHANGE_READY_TO_NULL, [self] { start(self); },
                            [self] { stop(self); }});
  const bool failed = result == GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY || (change == GST_STATE_CHANGE_READY_TO_PAUSED && failed))
    serving_of(self->priv)->ingest->shut();
  // Live, also while there is no pad yet.
  const bool to_paused = change == GST_STATE_CHANGE_READY_TO_PAUSED || change == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return to_paused && !failed ? GST_STATE_CHANGE_NO_PREROLL : result;
}

/* ---- properties ---- */

static GstStructure* make_stats(Priv* priv) {
  IngestStats ingest;
  PublisherStats publisher;
  if (const auto serving = serving_of(priv)) {
    ingest = serving->ingest->stats();
    for (const auto& session : serving->signalling->sessions())
      publisher = std::static_pointer_cast<Publisher>(session)->stats();
  }
  return gst_structure_new("application/x-liveedit-webrtc-stats", "connected", G_TYPE_BOOLEAN, publisher.connected,
                           "session-id", G_TYPE_STRING, publisher.id.c_str(), "video-frames", G_TYPE_UINT64,
                           publisher.video_frames, "audio-buffers", G_TYPE_UINT64, publisher.audio_buffers,
                           "video-filled", G_TYPE_UINT64, ingest.video_filled, "audio-filled", G_TYPE_UINT64,
                           ingest.audio_filled, nullptr);
}

static void gst_live_webrtc_src_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  std::lock_guard lock(priv->mutex);
  Settings& settings = priv->settings;
  switch (id) {
    case kPropVideoCaps:
      settings.video_caps.reset(static_cast<GstCaps*>(g_value_dup_boxed(value)));
      return;
    case kPropAudioCaps:
      settings.audio_caps.reset(static_cast<GstCaps*>(g_value_dup_boxed(value)));
      return;
    case kPropFallback:
      settings.fallback = static_cast<Fallback>(g_value_get_enum(value));
      return;
    case kPropLatency:
      settings.latency_ms = static_cast<int>(g_value_get_uint(value));
      return;
    default:
      break;
  }
  if (set_ice_property(&settings.ice, kPropFirstIce, id, value)) return;
  if (set_server_property(&settings.server, kPropFirstServer, id, value)) return;
  G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void gst_live_webrtc_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  if (id == kPropStats) return g_value_take_boxed(value, make_stats(priv));
  std::lock_guard lock(priv->mutex);
  const Settings& settings = priv->settings;
  switch (id) {
    case kPropVideoCaps:
      g_value_set_boxed(value, settings.video_caps.get());
      return;
    case kPropAudioCaps:
      g_value_set_boxed(value, settings.audio_caps.get());
      return;
    case kPropFallback:
      g_value_set_enum(value, static_cast<gint>(settings.fallback));
      return;
    case kPropLatency:
      g_value_set_uint(value, static_cast<guint>(settings.latency_ms));
      return;
    case kPropUrl:
      g_value_set_string(value, priv->serving ? priv->serving->server->url().c_str() : "");
      return;
    default:
      break;
  }
  if (get_ice_property(settings.ice, kPropFirstIce, id, value)) return;
  if (get_server_property(settings.server, kPropFirstServer, id, value)) return;
  G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void install_properties(GObjectClass* klass) {
  const auto ready = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      klass, kPropVideoCaps,
      g_param_spec_boxed(
          "video-caps", "Video caps",
          "What video is converted to; with width, height and framerate the pad is there from the start; not "
          "set: as published",
          GST_TYPE_CAPS, ready));
  g_object_class_install_property(
      klass, kPropAudioCaps,
      g_param_spec_boxed(
          "audio-caps", "Audio caps",
          "What audio is converted to, and the pad is there from the start; not set: the pad comes with the first "
          "publisher who has a microphone, 48 kHz stereo",
          GST_TYPE_CAPS, ready));
  g_object_class_install_property(
      klass, kPropFallback,
      g_param_spec_enum("fallback", "Fallback", "What is shown while nobody publishes any more", fallback_type(),
                        static_cast<gint>(kDefaultFallback), ready));
  g_object_class_install_property(
      klass, kPropLatency,
      g_param_spec_uint("latency", "Latency",
                        "Milliseconds that a lost packet has to come again; also the delay that is reported", 0, 10'000,
                        kDefaultLatencyMs, ready));
  install_report_properties(klass, kPropUrl,
                            "Where the page is, from READY on; tells the port where port=0 let the system choose",
                            kPropStats, "Who publishes, what came from there, and what filled the gaps");
  install_ice_properties(klass, kPropFirstIce);
  install_server_properties(klass, kPropFirstServer, kDefaultPort);
}

/* ---- life ---- */

static void gst_live_webrtc_src_finalize(GObject* object) {
  delete priv_of(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_live_webrtc_src_class_init(GstLiveWebrtcSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_live_webrtc_src_set_property;
  object_class->get_property = gst_live_webrtc_src_get_property;
  object_class->finalize = gst_live_webrtc_src_finalize;
  install_properties(object_class);
  element_class->change_state = gst_live_webrtc_src_change_state;
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(
      element_class, "Live WebRTC source", "Source/Network",
      "Takes camera and microphone of a browser: a web server with a page, WHIP and WebRTC", "gst-liveedit");
}

static void gst_live_webrtc_src_init(GstLiveWebrtcSrc* self) {
  self->priv = new Priv;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  gst_bin_set_suppressed_flags(GST_BIN(self),
                               static_cast<GstElementFlags>(GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK));
}
