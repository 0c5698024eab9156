// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/rtsp/live_mount.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>

#include <gst/video/video-event.h>

#include "streaming/base/encoder.h"
#include "streaming/base/pipeline_feed.h"

GST_DEBUG_CATEGORY_EXTERN(gst_live_rtsp_sink_debug);
#define GST_CAT_DEFAULT gst_live_rtsp_sink_debug

namespace liveedit::streaming::rtsp {
namespace {

using Clock = std::chrono::steady_clock;

// An input that has been silent for longer is left out of a new media, which would wait for it; without pictures there
// is none. On a slow machine a large model takes seconds for each of them.
constexpr std::chrono::seconds kRecentPicture{10}, kRecentSound{2};
constexpr std::chrono::milliseconds kKeyFramePause{250};
constexpr char kKeyFrames[] = "liveedit-key-frames";

// Turns wishes for key frames into events in front of the encoder. Until somebody plays, every frame is one:
// gst-rtsp-server loses the first that it has, and a stream that goes on from there would be broken up to the next.
class KeyFrames {
 public:
  void wish() {
    wished_ = true;
    playing_ = true;
  }
  static GstPadProbeReturn probe(GstPad* pad, GstPadProbeInfo*, gpointer data) {
    if ((*static_cast<std::shared_ptr<KeyFrames>*>(data))->is_due()) {
      gst_pad_push_event(pad, gst_video_event_new_downstream_force_key_unit(GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
                                                                            GST_CLOCK_TIME_NONE, TRUE, 0));
    }
    return GST_PAD_PROBE_OK;
  }

 private:
  bool is_due() {
    if (!playing_) return true;
    const auto now = Clock::now();
    if (!wished_ || now - last_ < kKeyFramePause) return false;
    wished_ = false;
    last_ = now;
    return true;
  }

  std::atomic<bool> wished_{false}, playing_{false};
  Clock::time_point last_{};  // streaming thread
};

struct LiveMedia {
  LiveMedia(GstRTSPMedia* media, GstElement* encoder, GstElement* video, GstElement* audio)
      : media(media), encoder(encoder), feed(video, audio) {}
  GstRTSPMedia* const media;  // not owned: its weak notify takes this out of the list
  const ObjectPtr<GstElement> encoder;
  PipelineFeed feed;
  bool prepared = false;  // with the mount's lock
};

class Mount : public LiveMount, public std::enable_shared_from_this<Mount> {
 public:
  explicit Mount(const MountSettings& settings) : settings_(settings) {}
  ~Mount() override { g_clear_object(&factory_); }
  void make_factory();

  GstRTSPMediaFactory* factory() override { return factory_; }
  void push(InputKind kind, GstSample* sample, GstClockTime running_time) override;
  void end(InputKind kind) override;
  void set_bitrate(guint bitrate) override;
  void give_up_waiting() override;
  bool wait_until_unused(GstClockTime limit) override;
  MountStats stats() const override;

  // For the factory.
  bool ready();
  GstElement* make_element();
  void configure(GstRTSPMedia* media);

 private:
  struct Input {
    Clock::time_point last{};
    bool ended = false;
  };
  void forget_feed(GstRTSPMedia* media);
  void mark_prepared(GstRTSPMedia* media);
  bool is_recent(InputKind kind) const {
    const Input& input = inputs_[static_cast<size_t>(kind)];
    const auto recent = kind == InputKind::kVideo ? kRecentPicture : kRecentSound;
    return !input.ended && input.last != Clock::time_point{} && Clock::now() - input.last < recent;
  }

  GstRTSPMediaFactory* factory_ = nullptr;
  mutable std::mutex mutex_;
  MountSettings settings_;
  std::array<Input, kInputKinds> inputs_;
  std::list<std::shared_ptr<LiveMedia>> media_;
  std::condition_variable unused_;
  guint alive_ = 0;
  guint64 frames_ = 0, built_ = 0;
};

}  // namespace
}  // namespace liveedit::streaming::rtsp

using liveedit::streaming::rtsp::Mount;

struct LiveRtspMediaFactory {
  GstRTSPMediaFactory parent;
  std::weak_ptr<Mount>* mount;
};
struct LiveRtspMediaFactoryClass {
  GstRTSPMediaFactoryClass parent_class;
};

G_DEFINE_TYPE(LiveRtspMediaFactory, live_rtsp_media_factory, GST_TYPE_RTSP_MEDIA_FACTORY)

static GstElement* live_rtsp_media_factory_create_element(GstRTSPMediaFactory* factory, const GstRTSPUrl*) {
  const auto mount = reinterpret_cast<LiveRtspMediaFactory*>(factory)->mount->lock();
  return mount ? mount->make_element() : nullptr;
}

// gst-rtsp-server calls a missing element a critical error; a missing media it takes.
static GstRTSPMedia* live_rtsp_media_factory_construct(GstRTSPMediaFactory* factory, const GstRTSPUrl* url) {
  const auto mount = reinterpret_cast<LiveRtspMediaFactory*>(factory)->mount->lock();
  if (!mount || !mount->ready()) return nullptr;
  return GST_RTSP_MEDIA_FACTORY_CLASS(live_rtsp_media_factory_parent_class)->construct(factory, url);
}

static void live_rtsp_media_factory_configure(GstRTSPMediaFactory* factory, GstRTSPMedia* media) {
  GST_RTSP_MEDIA_FACTORY_CLASS(live_rtsp_media_factory_parent_class)->configure(factory, media);
  if (const auto mount = reinterpret_cast<LiveRtspMediaFactory*>(factory)->mount->lock()) mount->configure(media);
}

// Every address below the mount is the same media, whatever stands in its query.
static gchar* live_rtsp_media_factory_gen_key(GstRTSPMediaFactory*, const GstRTSPUrl*) {
  return g_strdup("live");
}

static void live_rtsp_media_factory_finalize(GObject* object) {
  delete reinterpret_cast<LiveRtspMediaFactory*>(object)->mount;
  G_OBJECT_CLASS(live_rtsp_media_factory_parent_class)->finalize(object);
}

static void live_rtsp_media_factory_class_init(LiveRtspMediaFactoryClass* klass) {
  auto* factory_class = GST_RTSP_MEDIA_FACTORY_CLASS(klass);
  factory_class->create_element = live_rtsp_media_factory_create_element;
  factory_class->construct = live_rtsp_media_factory_construct;
  factory_class->configure = live_rtsp_media_factory_configure;
  factory_class->gen_key = live_rtsp_media_factory_gen_key;
  G_OBJECT_CLASS(klass)->finalize = live_rtsp_media_factory_finalize;
}

static void live_rtsp_media_factory_init(LiveRtspMediaFactory* self) {
  self->mount = new std::weak_ptr<Mount>;
}

namespace liveedit::streaming::rtsp {
namespace {

void Mount::make_factory() {
  auto* made = static_cast<LiveRtspMediaFactory*>(g_object_new(live_rtsp_media_factory_get_type(), nullptr));
  *made->mount = weak_from_this();
  factory_ = GST_RTSP_MEDIA_FACTORY(made);
  // Not reusable: gst-rtsp-server 1.22 cannot start shared media over UDP a second time.
  gst_rtsp_media_factory_set_shared(factory_, TRUE);
  gst_rtsp_media_factory_set_eos_shutdown(factory_, FALSE);
  gst_rtsp_media_factory_set_suspend_mode(factory_, GST_RTSP_SUSPEND_MODE_NONE);
  gst_rtsp_media_factory_set_transport_mode(factory_, GST_RTSP_TRANSPORT_MODE_PLAY);
  gst_rtsp_media_factory_set_protocols(
      factory_, static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP));
  gst_rtsp_media_factory_set_latency(factory_, 0);
}

// Whether pictures come in and can be encoded here.
bool Mount::ready() {
  {
    const std::lock_guard lock(mutex_);
    if (!is_recent(InputKind::kVideo)) {
      GST_INFO("a viewer is sent away: no video comes in");
      return false;
    }
  }
  try {
    gst_object_unref(gst_object_ref_sink(make_h264_encoder({})));
    return true;
  } catch (const std::exception& error) {
    GST_ERROR("a viewer is sent away: %s", error.what());
    return false;
  }
}

GstElement* Mount::make_element() {
  MountSettings settings;
  bool with_audio = false;
  {
    const std::lock_guard lock(mutex_);
    with_audio = is_recent(InputKind::kAudio);
    settings = settings_;
  }
  GstElement* bin = gst_bin_new(nullptr);
  const auto add = [bin](const char* description) {
    GstElement* element = gst_parse_launch(description, nullptr);
    gst_bin_add(GST_BIN(bin), element);
    return element;
  };
  try {
    GstElement* video = add(kFeedVideoSource);
    GstElement* encoder = make_h264_encoder({settings.bitrate, settings.key_frame_frames});
    gst_object_set_name(GST_OBJECT(encoder), "video_encoder");
    gst_bin_add(GST_BIN(bin), encoder);
    // The parameter sets are in the stream already: this payloader puts them in front of every slice of a key frame,
    // which tears it apart.
    gst_element_link_many(video, encoder,
                          add("rtph264pay name=pay0 pt=96 config-interval=0 aggregate-mode=zero-latency"), nullptr);
    if (with_audio) {
      GstElement* audio = add(kFeedAudioSource);
      GstElement* opus = make_opus_encoder();
      gst_bin_add(GST_BIN(bin), opus);
      gst_element_link_many(audio, opus, add("rtpopuspay name=pay1 pt=97"), nullptr);
    }
  } catch (const std::exception& error) {
    GST_ERROR("no media could be made: %s", error.what());
    gst_object_unref(gst_object_ref_sink(bin));
    return nullptr;
  }
  return bin;
}

void Mount::configure(GstRTSPMedia* media) {
  const ObjectPtr<GstElement> bin(gst_rtsp_media_get_element(media));
  const ObjectPtr<GstElement> video(gst_bin_get_by_name(GST_BIN(bin.get()), "video_source"));
  const ObjectPtr<GstElement> audio(gst_bin_get_by_name(GST_BIN(bin.get()), "audio_source"));
  GstElement* encoder = gst_bin_get_by_name(GST_BIN(bin.get()), "video_encoder");

  using Shared = std::shared_ptr<KeyFrames>;
  const Shared key_frames = std::make_shared<KeyFrames>();
  const auto drop = [](gpointer data) { delete static_cast<Shared*>(data); };
  g_object_set_data_full(G_OBJECT(media), kKeyFrames, new Shared(key_frames), drop);
  const ObjectPtr<GstPad> pad(gst_element_get_static_pad(video.get(), "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, KeyFrames::probe, new Shared(key_frames), drop);

  {
    const std::lock_guard lock(mutex_);
    media_.push_back(std::make_shared<LiveMedia>(media, encoder, video.get(), audio.get()));
    ++alive_;
    ++built_;
  }
  using Weak = std::weak_ptr<Mount>;
  const auto drop_weak = [](gpointer data, GClosure*) { delete static_cast<Weak*>(data); };
  g_signal_connect_data(media, "prepared", G_CALLBACK(+[](GstRTSPMedia* prepared, gpointer data) {
                          if (const auto mount = static_cast<Weak*>(data)->lock()) mount->mark_prepared(prepared);
                        }),
                        new Weak(weak_from_this()), drop_weak, static_cast<GConnectFlags>(0));
  g_signal_connect_data(
      media, "unprepared", G_CALLBACK(+[](GstRTSPMedia* unprepared, gpointer data) {
        if (const auto mount = static_cast<Weak*>(data)->lock()) mount->forget_feed(unprepared);
      }),
      new Weak(weak_from_this()), [](gpointer data, GClosure*) { delete static_cast<Weak*>(data); },
      static_cast<GConnectFlags>(0));
  g_object_weak_ref(
      G_OBJECT(media),
      [](gpointer data, GObject* gone) {
        const std::unique_ptr<Weak> weak(static_cast<Weak*>(data));
        const auto mount = weak->lock();
        if (!mount) return;
        mount->forget_feed(reinterpret_cast<GstRTSPMedia*>(gone));
        const std::lock_guard lock(mount->mutex_);
        if (--mount->alive_ == 0) mount->unused_.notify_all();
      },
      new Weak(weak_from_this()));
}

void Mount::mark_prepared(GstRTSPMedia* media) {
  const std::lock_guard lock(mutex_);
  for (const auto& live : media_) live->prepared |= live->media == media;
}

void Mount::forget_feed(GstRTSPMedia* media) {
  std::shared_ptr<LiveMedia> forgotten;  // dropped without the lock
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(media_.begin(), media_.end(), [media](const auto& live) { return live->media == media; });
    if (found == media_.end()) return;
    forgotten = *found;
    media_.erase(found);
  }
}

void Mount::push(InputKind kind, GstSample* sample, GstClockTime running_time) {
  std::list<std::shared_ptr<LiveMedia>> media;
  {
    const std::lock_guard lock(mutex_);
    inputs_[static_cast<size_t>(kind)] = {Clock::now(), false};
    if (kind == InputKind::kVideo) ++frames_;
    media = media_;
  }
  for (const auto& live : media) live->feed.push(kind, sample, running_time);
}

void Mount::end(InputKind kind) {
  std::list<std::shared_ptr<LiveMedia>> media;
  {
    const std::lock_guard lock(mutex_);
    inputs_[static_cast<size_t>(kind)].ended = true;
    media = media_;
  }
  for (const auto& live : media) live->feed.end(kind);
}

void Mount::set_bitrate(guint bitrate) {
  const std::lock_guard lock(mutex_);
  settings_.bitrate = bitrate;
  for (const auto& live : media_) set_h264_bitrate(live->encoder.get(), bitrate);
}

void Mount::give_up_waiting() {
  const std::lock_guard lock(mutex_);
  for (const auto& live : media_) {
    // Those that are being watched end with their viewers; an error would end them at the same time on another thread.
    if (live->prepared) continue;
    GError* error = g_error_new_literal(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "The stream ends.");
    gst_element_post_message(live->encoder.get(),
                             gst_message_new_error(GST_OBJECT(live->encoder.get()), error, nullptr));
    g_error_free(error);
  }
}

bool Mount::wait_until_unused(GstClockTime limit) {
  std::unique_lock lock(mutex_);
  return unused_.wait_for(lock, std::chrono::nanoseconds(limit), [this] { return alive_ == 0; });
}

MountStats Mount::stats() const {
  const std::lock_guard lock(mutex_);
  return {frames_, built_, alive_};
}

}  // namespace

std::shared_ptr<LiveMount> LiveMount::make(const MountSettings& settings) {
  const auto mount = std::make_shared<Mount>(settings);
  mount->make_factory();
  return mount;
}

void request_key_frame(GstRTSPMedia* media) {
  const auto* key_frames = static_cast<std::shared_ptr<KeyFrames>*>(g_object_get_data(G_OBJECT(media), kKeyFrames));
  if (key_frames) (*key_frames)->wish();
}

}  // namespace liveedit::streaming::rtsp
