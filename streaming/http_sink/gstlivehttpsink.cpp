// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-livehttpsink
 * @title: livehttpsink
 * @short_description: shows a video live over HTTP: a page, MJPEG, HLS and snapshots
 *
 * Serves raw video, and with a pad `audio_sink` sound (in HLS), on a port of its own:
 *
 * - `/` is a page that shows it,
 * - `/stream` is MJPEG (multipart/x-mixed-replace), for any image element, OBS and cameras' viewers; `?max_fps=5` takes
 * fewer pictures,
 * - `/index.m3u8` is HLS (H.264, AAC) for phones and players, a few seconds late; its encoder runs while somebody asks
 * for it,
 * - `/snapshot.jpg` is the newest picture.
 *
 * Pictures are encoded once for all who look, and only while somebody does. A slow viewer loses pictures of its own and
 * nobody else's.
 *
 * Only this machine can connect unless #GstLiveHttpSink:bind-address says otherwise; then a #GstLiveHttpSink:token is
 * wanted, which programs send as `Authorization: Bearer` and the page takes from its address:
 * `http://host:8082/#token=...`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true pattern=ball ! livehttpsink port=8082
 * ]| A test picture at http://localhost:8082.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! diffusionfilter
 * prompt="watercolor painting" ! videoconvert ! livehttpsink name=s  autoaudiosrc ! audioconvert ! queue ! s.audio_sink
 * ]| The camera, edited, with the microphone.
 */
#include "streaming/http_sink/gstlivehttpsink.h"

#include <mutex>

#include "streaming/base/error.h"
#include "streaming/base/live_inputs.h"
#include "streaming/base/server_properties.h"
#include "streaming/base/serving_state.h"
#include "streaming/http_sink/hls_stream.h"
#include "streaming/http_sink/picture_feed.h"
#include "streaming/http_sink/routes.h"

using namespace liveedit::streaming;  // NOLINT: the element stands on this room

GST_DEBUG_CATEGORY(gst_live_http_sink_debug);
#define GST_CAT_DEFAULT gst_live_http_sink_debug

enum {
  PROP_0,
  PROP_JPEG_QUALITY,
  PROP_HLS,
  PROP_HLS_BITRATE,
  PROP_HLS_SEGMENT_DURATION,
  PROP_HLS_FOLDER,
  PROP_URL,
  PROP_STATS,
  PROP_SERVER  // and those that follow it
};

#define DEFAULT_PORT 8082
#define DEFAULT_JPEG_QUALITY 85
#define DEFAULT_HLS_BITRATE 2000
#define DEFAULT_HLS_SEGMENT_DURATION 1000

namespace {

struct Settings {
  http::ServerConfig server;
  guint jpeg_quality = DEFAULT_JPEG_QUALITY;
  bool hls = true;
  guint hls_bitrate = DEFAULT_HLS_BITRATE, hls_segment_duration = DEFAULT_HLS_SEGMENT_DURATION;
  std::string hls_folder;
};

// What runs from PAUSED on.
struct Serving {
  std::shared_ptr<PictureFeed> pictures;
  std::shared_ptr<HlsStream> hls;  // null: switched off
  std::shared_ptr<http::Server> server;
  guint64 frames = 0;
};

struct Priv {
  explicit Priv(GstLiveHttpSink* self)
      : element(GST_ELEMENT(self)),
        inputs(
            GST_BIN(self),
            [this](InputKind kind, GstSample* sample, GstClockTime time) { receive(kind, sample, time); },
            [this](InputKind kind) { end(kind); }) {
    settings.server.port = DEFAULT_PORT;
  }

  void receive(InputKind kind, GstSample* sample, GstClockTime time);
  void end(InputKind kind);
  void start();  // throws Error
  void stop();
  GstStructure* stats();
  std::string url();
  Serving current() {
    const std::lock_guard lock(mutex);
    return serving;
  }

  GstElement* const element;
  std::mutex mutex;  // guards settings and serving
  Settings settings;
  Serving serving;
  LiveInputs inputs;
};

void Priv::receive(InputKind kind, GstSample* sample, GstClockTime time) {
  Serving now;
  {
    const std::lock_guard lock(mutex);
    if (kind == InputKind::kVideo) ++serving.frames;
    now = serving;
  }
  if (kind == InputKind::kVideo && now.pictures) now.pictures->offer(sample);
  if (now.hls) now.hls->push(kind, sample, time);
}

void Priv::end(InputKind kind) {
  const Serving now = current();
  if (kind != InputKind::kVideo) return;
  if (now.pictures) now.pictures->end();
  if (now.hls) now.hls->end();
}

void Priv::start() {
  Settings wanted;
  {
    const std::lock_guard lock(mutex);
    wanted = settings;
  }
  Serving made;
  http::check_config(wanted.server);
  made.pictures = std::make_shared<PictureFeed>(wanted.jpeg_quality);
  if (wanted.hls) {
    const auto warn = [element = element](const std::string& text) {
      GST_ELEMENT_WARNING(element, RESOURCE, WRITE, ("%s", text.c_str()), (nullptr));
    };
    made.hls = std::make_shared<HlsStream>(
        HlsSettings{wanted.hls_bitrate, wanted.hls_segment_duration / 1000.0, wanted.hls_folder}, warn);
  }
  made.server = http::Server::start(wanted.server, live_http_routes(made.pictures, made.hls, wanted.hls_bitrate));
  GST_INFO_OBJECT(element, "shows at %s", made.server->url().c_str());
  const std::lock_guard lock(mutex);
  serving = made;
}

void Priv::stop() {
  Serving old;
  {
    const std::lock_guard lock(mutex);
    std::swap(old, serving);
  }
  if (old.server) old.server->stop();
}

std::string Priv::url() {
  const Serving now = current();
  return now.server ? now.server->url() : "";
}

GstStructure* Priv::stats() {
  const Serving now = current();
  const PictureStats pictures = now.pictures ? now.pictures->stats() : PictureStats();
  const HlsStats hls = now.hls ? now.hls->stats() : HlsStats();
  const http::ServerStats web = now.server ? now.server->stats() : http::ServerStats();
  return gst_structure_new(
      "application/x-liveedit-stats", "frames-in", G_TYPE_UINT64, now.frames, "viewers", G_TYPE_UINT,
      static_cast<guint>(pictures.viewers), "connections", G_TYPE_UINT, static_cast<guint>(web.connections), "requests",
      G_TYPE_UINT64, web.requests, "refused", G_TYPE_UINT64, web.refused, "bytes-sent", G_TYPE_UINT64, web.bytes_sent,
      "pictures-encoded", G_TYPE_UINT64, pictures.encoded, "pictures-dropped", G_TYPE_UINT64, pictures.dropped,
      "hls-running", G_TYPE_BOOLEAN, hls.running, "hls-segments", G_TYPE_UINT64, hls.segments, "hls-restarts",
      G_TYPE_UINT64, hls.restarts, "hls-folder-failures", G_TYPE_UINT64, hls.folder_failures, nullptr);
}

}  // namespace

struct _GstLiveHttpSink {
  GstBin parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstLiveHttpSink, gst_live_http_sink, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(gst_live_http_sink_debug, "livehttpsink", 0, "serves video by HTTP"))
GST_ELEMENT_REGISTER_DEFINE(livehttpsink, "livehttpsink", GST_RANK_NONE, GST_TYPE_LIVE_HTTP_SINK)

static void gst_live_http_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = GST_LIVE_HTTP_SINK(object)->priv;
  const std::lock_guard lock(priv->mutex);
  switch (id) {
    case PROP_JPEG_QUALITY:
      priv->settings.jpeg_quality = g_value_get_uint(value);
      if (priv->serving.pictures) priv->serving.pictures->set_quality(priv->settings.jpeg_quality);
      break;
    case PROP_HLS:
      priv->settings.hls = g_value_get_boolean(value);
      break;
    case PROP_HLS_BITRATE:
      priv->settings.hls_bitrate = g_value_get_uint(value);
      if (priv->serving.hls) priv->serving.hls->set_bitrate(priv->settings.hls_bitrate);
      break;
    case PROP_HLS_SEGMENT_DURATION:
      priv->settings.hls_segment_duration = g_value_get_uint(value);
      break;
    case PROP_HLS_FOLDER:
      priv->settings.hls_folder = g_value_get_string(value) ? g_value_get_string(value) : "";
      break;
    default:
      if (!set_server_property(&priv->settings.server, PROP_SERVER, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      break;
  }
}

static void gst_live_http_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = GST_LIVE_HTTP_SINK(object)->priv;
  if (id == PROP_STATS) {
    g_value_take_boxed(value, priv->stats());
    return;
  }
  if (id == PROP_URL) {
    g_value_set_string(value, priv->url().c_str());
    return;
  }
  const std::lock_guard lock(priv->mutex);
  switch (id) {
    case PROP_JPEG_QUALITY:
      g_value_set_uint(value, priv->settings.jpeg_quality);
      break;
    case PROP_HLS:
      g_value_set_boolean(value, priv->settings.hls);
      break;
    case PROP_HLS_BITRATE:
      g_value_set_uint(value, priv->settings.hls_bitrate);
      break;
    case PROP_HLS_SEGMENT_DURATION:
      g_value_set_uint(value, priv->settings.hls_segment_duration);
      break;
    case PROP_HLS_FOLDER:
      g_value_set_string(value, priv->settings.hls_folder.c_str());
      break;
    default:
      if (!get_server_property(priv->settings.server, PROP_SERVER, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      break;
  }
}

static GstStateChangeReturn gst_live_http_sink_change_state(GstElement* element, GstStateChange change) {
  Priv* priv = GST_LIVE_HTTP_SINK(element)->priv;
  return change_serving_state(element, change, gst_live_http_sink_parent_class,
                              {GST_STATE_CHANGE_READY_TO_PAUSED, GST_STATE_CHANGE_PAUSED_TO_READY,
                               [priv] { priv->start(); }, [priv] { priv->stop(); }});
}

static GstPad* gst_live_http_sink_request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*,
                                                  const GstCaps*) {
  return GST_LIVE_HTTP_SINK(element)->priv->inputs.request_audio_pad(pad_template);
}

static void gst_live_http_sink_release_pad(GstElement* element, GstPad* pad) {
  GST_LIVE_HTTP_SINK(element)->priv->inputs.release_audio_pad(pad);
}

static void gst_live_http_sink_finalize(GObject* object) {
  Priv* priv = GST_LIVE_HTTP_SINK(object)->priv;
  G_OBJECT_CLASS(gst_live_http_sink_parent_class)->finalize(object);
  delete priv;
}

static void install_properties(GObjectClass* object_class) {
  constexpr auto kReady =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  constexpr auto kPlaying =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [&](guint id, GParamSpec* spec) { g_object_class_install_property(object_class, id, spec); };
  install(PROP_JPEG_QUALITY,
          g_param_spec_uint("jpeg-quality", "JPEG quality", "Quality of the pictures of /stream and /snapshot.jpg", 1,
                            100, DEFAULT_JPEG_QUALITY, kPlaying));
  install(PROP_HLS,
          g_param_spec_boolean("hls", "HLS", "Serve HLS at /index.m3u8; it is encoded while somebody asks for it", TRUE,
                               kReady));
  install(PROP_HLS_BITRATE, g_param_spec_uint("hls-bitrate", "HLS bitrate", "Bitrate of the video in HLS, in kbit/s",
                                              50, 100000, DEFAULT_HLS_BITRATE, kPlaying));
  install(PROP_HLS_SEGMENT_DURATION,
          g_param_spec_uint("hls-segment-duration", "HLS segment duration",
                            "Length of a segment, in ms; players are about three of them late", 500, 10000,
                            DEFAULT_HLS_SEGMENT_DURATION, kReady));
  install(PROP_HLS_FOLDER,
          g_param_spec_string(
              "hls-folder", "HLS folder",
              "Existing folder into which HLS is written as files, too (index.m3u8), for another web server; "
              "empty: HLS stays in memory",
              "", kReady));
  install_report_properties(object_class, PROP_URL,
                            "Where it can be seen from this machine; empty while the element is stopped", PROP_STATS,
                            "Viewers, and pictures since the element started");
  install_server_properties(object_class, PROP_SERVER, DEFAULT_PORT);
}

static void gst_live_http_sink_class_init(GstLiveHttpSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_live_http_sink_set_property;
  object_class->get_property = gst_live_http_sink_get_property;
  object_class->finalize = gst_live_http_sink_finalize;
  element_class->change_state = gst_live_http_sink_change_state;
  element_class->request_new_pad = gst_live_http_sink_request_new_pad;
  element_class->release_pad = gst_live_http_sink_release_pad;
  install_properties(object_class);
  install_input_templates(element_class);
  gst_element_class_set_static_metadata(element_class, "Live HTTP sink", "Sink/Network/Video",
                                        "Serves video as MJPEG, HLS and snapshots, with a page that shows it",
                                        "gst-liveedit");
}

static void gst_live_http_sink_init(GstLiveHttpSink* self) {
  self->priv = new Priv(self);
}
