// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-livertspsink
 * @title: livertspsink
 * @short_description: shows a video live to RTSP players: VLC, ffplay, OBS, phones, recorders
 *
 * Serves raw video, and with a pad `audio_sink` sound, at `rtsp://127.0.0.1:8554/live`. The picture is encoded once
 * (H.264, sound Opus) for all who watch, and only while somebody does. Players may take it over UDP or TCP; whoever
 * joins gets a key frame at once.
 *
 * Only this machine can connect unless #GstLiveRtspSink:bind-address says otherwise; then a #GstLiveRtspSink:token is
 * wanted, which players send as the password of #GstLiveRtspSink:user: `rtsp://viewer:TOKEN@host:8554/live`.
 *
 * Several of these elements may share a port of one process, each with a #GstLiveRtspSink:mount of its own.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true pattern=ball ! livertspsink
 * ]| A test picture; watch it with `ffplay rtsp://127.0.0.1:8554/live` or `vlc rtsp://127.0.0.1:8554/live`.
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! queue ! livertspsink name=s audiotestsrc is-live=true wave=ticks ! queue !
 * s.audio_sink
 * ]| With sound.
 */
#include "streaming/rtsp/gstlivertspsink.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "streaming/base/error.h"
#include "streaming/base/live_inputs.h"
#include "streaming/base/server_properties.h"
#include "streaming/base/serving_state.h"
#include "streaming/rtsp/live_mount.h"
#include "streaming/rtsp/rtsp_server.h"

using namespace liveedit::streaming;  // NOLINT: the element stands on this room

GST_DEBUG_CATEGORY(gst_live_rtsp_sink_debug);
#define GST_CAT_DEFAULT gst_live_rtsp_sink_debug

enum {
  PROP_0,
  PROP_PORT,
  PROP_MOUNT,
  PROP_BIND_ADDRESS,
  PROP_USER,
  PROP_TOKEN,
  PROP_INSECURE,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_PRIVATE_KEY,
  PROP_MAX_SESSIONS,
  PROP_BITRATE,
  PROP_KEY_FRAME_INTERVAL,
  PROP_URL,
  PROP_STATS
};

#define DEFAULT_PORT 8554
#define DEFAULT_MOUNT "/live"
#define DEFAULT_MAX_SESSIONS 64
#define DEFAULT_BITRATE 2000
#define DEFAULT_KEY_FRAME_INTERVAL 60

namespace {

using rtsp::LiveMount;

struct Priv {
  explicit Priv(GstLiveRtspSink* self)
      : element(GST_ELEMENT(self)),
        inputs(
            GST_BIN(self),
            [this](InputKind kind, GstSample* sample, GstClockTime time) {
              if (const auto to = mount()) to->push(kind, sample, time);
            },
            [this](InputKind kind) { end(kind); }) {}

  std::shared_ptr<LiveMount> mount() {
    const std::lock_guard lock(mutex);
    return live;
  }
  void start();  // throws Error
  void stop();
  void end(InputKind kind);
  GstStructure* stats();
  std::string url();

  GstElement* const element;
  std::mutex mutex;  // guards what follows, but for inputs
  rtsp::ServerConfig config;
  rtsp::MountSettings settings;
  std::string path = DEFAULT_MOUNT;
  std::shared_ptr<rtsp::Server> server;
  std::shared_ptr<rtsp::LiveMount> live;
  std::string mounted;  // where `live` is mounted
  LiveInputs inputs;
};

// How long viewers may take to let go of the picture when the element stops.
constexpr GstClockTime kTeardown = 2 * GST_SECOND;

void check_mount(const std::string& path) {
  const bool fits =
      path.size() > 1 && path.size() <= 128 && path.front() == '/' && path.back() != '/' &&
      path.find("//") == std::string::npos && path.find("..") == std::string::npos &&
      std::all_of(path.begin(), path.end(), [](char c) { return g_ascii_isalnum(c) || std::strchr("/-_.", c); });
  if (!fits)
    throw Error(ErrorKind::kSettings,
                "The mount \"" + path +
                    "\" does not fit: a slash, then letters, digits, - _ . and further slashes, such as /live.");
}

void Priv::start() {
  rtsp::ServerConfig wanted;
  rtsp::MountSettings mount_settings;
  std::string wanted_path;
  {
    const std::lock_guard lock(mutex);
    wanted = config;
    mount_settings = settings;
    wanted_path = path;
  }
  check_mount(wanted_path);
  const auto made_server = rtsp::Server::get(wanted);
  const auto made_mount = LiveMount::make(mount_settings);
  made_server->mount(wanted_path, made_mount->factory());
  GST_INFO_OBJECT(element, "shows at %s%s", made_server->url().c_str(), wanted_path.c_str());
  const std::lock_guard lock(mutex);
  server = made_server;
  live = made_mount;
  mounted = wanted_path;
}

void Priv::stop() {
  std::shared_ptr<rtsp::Server> old_server;
  std::shared_ptr<LiveMount> old_mount;
  std::string old_path;
  {
    const std::lock_guard lock(mutex);
    old_server.swap(server);
    old_mount.swap(live);
    old_path.swap(mounted);
  }
  if (!old_server) return;
  old_mount->give_up_waiting();
  old_server->unmount(old_path);
  if (!old_mount->wait_until_unused(kTeardown))
    GST_WARNING_OBJECT(element, "a media takes long to end; it is left to itself");
}

void Priv::end(InputKind kind) {
  std::shared_ptr<rtsp::Server> on;
  std::shared_ptr<LiveMount> ending;
  std::string at;
  {
    const std::lock_guard lock(mutex);
    on = server;
    ending = live;
    at = mounted;
  }
  if (!on) return;
  ending->end(kind);
  if (kind == InputKind::kVideo) on->disconnect_viewers(at);
}

std::string Priv::url() {
  const std::lock_guard lock(mutex);
  return server ? server->url() + mounted : "";
}

GstStructure* Priv::stats() {
  std::shared_ptr<rtsp::Server> of_server;
  std::shared_ptr<LiveMount> of_mount;
  {
    const std::lock_guard lock(mutex);
    of_server = server;
    of_mount = live;
  }
  const rtsp::ServerStats counted = of_server ? of_server->stats() : rtsp::ServerStats();
  const rtsp::MountStats media = of_mount ? of_mount->stats() : rtsp::MountStats();
  return gst_structure_new("application/x-liveedit-stats", "sessions", G_TYPE_UINT, counted.sessions, "connections",
                           G_TYPE_UINT, counted.connections, "frames-in", G_TYPE_UINT64, media.frames,
                           "encoders-started", G_TYPE_UINT64, media.media_built, "encoders", G_TYPE_UINT, media.media,
                           nullptr);
}

}  // namespace

struct _GstLiveRtspSink {
  GstBin parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstLiveRtspSink, gst_live_rtsp_sink, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(gst_live_rtsp_sink_debug, "livertspsink", 0, "serves video by RTSP"))
GST_ELEMENT_REGISTER_DEFINE(livertspsink, "livertspsink", GST_RANK_NONE, GST_TYPE_LIVE_RTSP_SINK)

static std::string text_of(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text ? text : "";
}

static void gst_live_rtsp_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = GST_LIVE_RTSP_SINK(object)->priv;
  const std::lock_guard lock(priv->mutex);
  switch (id) {
    case PROP_PORT:
      priv->config.port = g_value_get_int(value);
      break;
    case PROP_MOUNT:
      priv->path = text_of(value);
      break;
    case PROP_BIND_ADDRESS:
      priv->config.bind_address = text_of(value);
      break;
    case PROP_USER:
      priv->config.user = text_of(value);
      break;
    case PROP_TOKEN:
      priv->config.token = text_of(value);
      break;
    case PROP_INSECURE:
      priv->config.insecure = g_value_get_boolean(value);
      break;
    case PROP_TLS_CERTIFICATE:
      priv->config.tls_certificate = text_of(value);
      break;
    case PROP_TLS_PRIVATE_KEY:
      priv->config.tls_private_key = text_of(value);
      break;
    case PROP_MAX_SESSIONS:
      priv->config.max_sessions = g_value_get_uint(value);
      break;
    case PROP_BITRATE:
      priv->settings.bitrate = g_value_get_uint(value);
      if (priv->live) priv->live->set_bitrate(priv->settings.bitrate);
      break;
    case PROP_KEY_FRAME_INTERVAL:
      priv->settings.key_frame_frames = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      break;
  }
}

static void gst_live_rtsp_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = GST_LIVE_RTSP_SINK(object)->priv;
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
    case PROP_PORT:
      g_value_set_int(value, priv->config.port);
      break;
    case PROP_MOUNT:
      g_value_set_string(value, priv->path.c_str());
      break;
    case PROP_BIND_ADDRESS:
      g_value_set_string(value, priv->config.bind_address.c_str());
      break;
    case PROP_USER:
      g_value_set_string(value, priv->config.user.c_str());
      break;
    case PROP_INSECURE:
      g_value_set_boolean(value, priv->config.insecure);
      break;
    case PROP_TLS_CERTIFICATE:
      g_value_set_string(value, priv->config.tls_certificate.c_str());
      break;
    case PROP_TLS_PRIVATE_KEY:
      g_value_set_string(value, priv->config.tls_private_key.c_str());
      break;
    case PROP_MAX_SESSIONS:
      g_value_set_uint(value, priv->config.max_sessions);
      break;
    case PROP_BITRATE:
      g_value_set_uint(value, priv->settings.bitrate);
      break;
    case PROP_KEY_FRAME_INTERVAL:
      g_value_set_uint(value, priv->settings.key_frame_frames);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      break;
  }
}

static GstStateChangeReturn gst_live_rtsp_sink_change_state(GstElement* element, GstStateChange change) {
  Priv* priv = GST_LIVE_RTSP_SINK(element)->priv;
  return change_serving_state(element, change, gst_live_rtsp_sink_parent_class,
                              {GST_STATE_CHANGE_READY_TO_PAUSED, GST_STATE_CHANGE_PAUSED_TO_READY,
                               [priv] { priv->start(); }, [priv] { priv->stop(); }});
}

static GstPad* gst_live_rtsp_sink_request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*,
                                                  const GstCaps*) {
  return GST_LIVE_RTSP_SINK(element)->priv->inputs.request_audio_pad(pad_template);
}

static void gst_live_rtsp_sink_release_pad(GstElement* element, GstPad* pad) {
  GST_LIVE_RTSP_SINK(element)->priv->inputs.release_audio_pad(pad);
}

static void gst_live_rtsp_sink_finalize(GObject* object) {
  GstLiveRtspSink* self = GST_LIVE_RTSP_SINK(object);
  G_OBJECT_CLASS(gst_live_rtsp_sink_parent_class)->finalize(object);
  delete self->priv;
}

static void install_properties(GObjectClass* object_class) {
  constexpr auto kReady =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  constexpr auto kPlaying =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [&](guint id, GParamSpec* spec) { g_object_class_install_property(object_class, id, spec); };
  install(PROP_PORT,
          g_param_spec_int("port", "Port", "TCP port of the RTSP server; 0: any that is free (url tells which)", 0,
                           65535, DEFAULT_PORT, kReady));
  install(PROP_MOUNT, g_param_spec_string("mount", "Mount", "Path of the stream's address", DEFAULT_MOUNT, kReady));
  install(PROP_BIND_ADDRESS,
          g_param_spec_string("bind-address", "Bind address",
                              "IP address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for every network "
                              "(which wants a token, or insecure=true)",
                              "127.0.0.1", kReady));
  install(PROP_USER,
          g_param_spec_string("user", "User", "Name that players give together with the token", "viewer", kReady));
  install(PROP_TOKEN,
          g_param_spec_string(
              "token", "Token",
              "Secret that players send as the password (8 to 256 letters, digits and - . _ ~ + / =): digest "
              "authentication, under TLS basic; empty: no authentication. It cannot be read back",
              "", static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)));
  install(PROP_INSECURE,
          g_param_spec_boolean(
              "insecure", "Insecure",
              "Let everybody on the network watch: allows a bind-address that others reach, without a token", FALSE,
              kReady));
  install(PROP_TLS_CERTIFICATE,
          g_param_spec_string("tls-certificate", "TLS certificate",
                              "PEM file with the certificate; empty: RTSP without TLS", "", kReady));
  install(PROP_TLS_PRIVATE_KEY,
          g_param_spec_string("tls-private-key", "TLS private key",
                              "PEM file with the unencrypted key; empty: it is in the certificate's file", "", kReady));
  install(PROP_MAX_SESSIONS,
          g_param_spec_uint("max-sessions", "Most sessions", "Viewers at a time; the next is turned away", 1, 10000,
                            DEFAULT_MAX_SESSIONS, kReady));
  install(PROP_BITRATE, g_param_spec_uint("bitrate", "Bitrate", "Bitrate of the video, in kbit/s", 50, 100000,
                                          DEFAULT_BITRATE, kPlaying));
  install(PROP_KEY_FRAME_INTERVAL,
          g_param_spec_uint("key-frame-interval", "Key frame interval",
                            "Frames from one key frame to the next, at most; who joins gets one at once", 1, 10000,
                            DEFAULT_KEY_FRAME_INTERVAL, kReady));
  install_report_properties(object_class, PROP_URL,
                            "Where it can be seen from this machine; empty while the element is stopped", PROP_STATS,
                            "Viewers, and frames since the element started");
}

static void gst_live_rtsp_sink_class_init(GstLiveRtspSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_live_rtsp_sink_set_property;
  object_class->get_property = gst_live_rtsp_sink_get_property;
  object_class->finalize = gst_live_rtsp_sink_finalize;
  element_class->change_state = gst_live_rtsp_sink_change_state;
  element_class->request_new_pad = gst_live_rtsp_sink_request_new_pad;
  element_class->release_pad = gst_live_rtsp_sink_release_pad;
  install_properties(object_class);
  install_input_templates(element_class);
  gst_element_class_set_static_metadata(element_class, "Live RTSP sink", "Sink/Network/Video",
                                        "Serves video and sound to RTSP players, encoded once for all of them",
                                        "gst-liveedit");
}

static void gst_live_rtsp_sink_init(GstLiveRtspSink* self) {
  self->priv = new Priv(self);
}
