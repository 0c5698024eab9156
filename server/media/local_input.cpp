// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/local_input.h"

#include <chrono>

#include <gst/app/gstappsink.h>

#include "server/log/log.h"
#include "server/session/frame_protocol.h"
#include "streaming/base/error.h"
#include "streaming/webrtc/media_clock.h"

namespace liveedit::server {
namespace {

using streaming::BufferPtr;
using streaming::CapsPtr;
using streaming::Error;
using streaming::ErrorKind;
using streaming::ObjectPtr;
using streaming::SamplePtr;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{30000};
constexpr std::chrono::milliseconds kLookForCamera{500};
constexpr GstClockTime kLook = GST_SECOND / 5;
constexpr guint kRtspLatencyMs = 100;

constexpr char kCameraSource[] = "v4l2src name=camera ! capsfilter name=mode ! decodebin name=source ";
constexpr char kOtherSource[] = "uridecodebin name=source ";

// Neither waits for the other: a film may have no sound.
constexpr char kSinks[] =
    "source. ! queue max-size-buffers=2 ! videoconvert n-threads=1 ! videoscale n-threads=1 ! "
    "video/x-raw,format=RGBx,pixel-aspect-ratio=1/1 ! appsink name=video async=false max-buffers=1 drop=true "
    "source. ! queue ! audioconvert ! audioresample ! "
    "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2 "
    "! appsink name=audio async=false max-buffers=50 drop=true";

constexpr std::string_view kCamera = "v4l2://";

std::optional<CameraNode> camera_of(const std::string& uri) {
  if (!uri.starts_with(kCamera)) return {};
  return CameraNode(uri.size() == kCamera.size() ? "/dev/video0" : uri.substr(kCamera.size()));
}

// Left to itself, v4l2src takes a camera's largest pictures, which come at two a second from many. What is wanted
// instead, the best first; a camera that has nothing of it is left to itself.
constexpr const char* kModes[] = {",framerate=[20/1,30/1]", ",framerate=[10/1,20/1]", ""};
constexpr char kModeSize[] = ",width=[1,1280],height=[1,720]";

void choose_mode(GstElement* pipeline, const std::string& device) {
  const ObjectPtr<GstElement> camera(gst_bin_get_by_name(GST_BIN(pipeline), "camera"));
  const ObjectPtr<GstElement> filter(gst_bin_get_by_name(GST_BIN(pipeline), "mode"));
  g_object_set(camera.get(), "device", device.c_str(), nullptr);
  // Opened, it knows its modes. Why it cannot be opened is said when the whole pipeline starts.
  if (gst_element_set_state(camera.get(), GST_STATE_READY) == GST_STATE_CHANGE_FAILURE) return;
  const ObjectPtr<GstPad> pad(gst_element_get_static_pad(camera.get(), "src"));
  const CapsPtr has(gst_pad_query_caps(pad.get(), nullptr));
  for (const char* mode : kModes) {
    const std::string rest = std::string(kModeSize) + mode;
    const CapsPtr wanted(gst_caps_from_string(("video/x-raw" + rest + ";image/jpeg" + rest).c_str()));
    if (!gst_caps_can_intersect(has.get(), wanted.get())) continue;
    g_object_set(filter.get(), "caps", wanted.get(), nullptr);
    return;
  }
}

// A camera's own memory, which nothing had to convert, would keep the camera open for as long as somebody holds it.
BufferPtr copy_of(GstBuffer* buffer) {
  const bool plain =
      gst_buffer_n_memory(buffer) > 0 && gst_memory_is_type(gst_buffer_peek_memory(buffer, 0), GST_ALLOCATOR_SYSMEM);
  return BufferPtr(plain ? gst_buffer_copy(buffer) : gst_buffer_copy_deep(buffer));
}

}  // namespace

// What the appsinks hand over.
struct LocalInput::Taker {
  std::shared_ptr<streaming::PublisherTarget> target;
  std::string name;
  std::atomic<bool> sound{false}, over{false};

  static void take(GstAppSink* sink, Taker* taker, bool video) {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    if (!sample || !gst_sample_get_buffer(sample.get())) return;
    const BufferPtr buffer = copy_of(gst_sample_get_buffer(sample.get()));
    GST_BUFFER_PTS(buffer.get()) = streaming::media_now();
    if (video) {
      taker->target->on_video(buffer.get(), gst_sample_get_caps(sample.get()));
    } else {
      if (!taker->sound.exchange(true)) taker->target->publisher_joined(taker->name, true, true);
      taker->target->on_audio(buffer.get(), gst_sample_get_caps(sample.get()));
    }
  }
  static GstFlowReturn on_video(GstAppSink* sink, gpointer taker) {
    take(sink, static_cast<Taker*>(taker), true);
    return GST_FLOW_OK;
  }
  static void on_end(GstAppSink*, gpointer taker) { static_cast<Taker*>(taker)->over = true; }
  static GstFlowReturn on_audio(GstAppSink* sink, gpointer taker) {
    take(sink, static_cast<Taker*>(taker), false);
    return GST_FLOW_OK;
  }
};

std::pair<std::string, std::string> split_input(const std::string& text) {
  const size_t sign = text.find('=');
  const std::string name = text.substr(0, sign), uri = sign == std::string::npos ? "" : text.substr(sign + 1);
  if (!valid_user_id(name))
    throw Error(ErrorKind::kSettings,
                "media.inputs: \"" + text + "\" is not NAME=URI with a name of letters, digits, - and _.");
  for (const char* kind : {"v4l2://", "file://", "rtsp://", "rtsps://", "http://", "https://"}) {
    if (uri.starts_with(kind)) return {name, uri};
  }
  throw Error(ErrorKind::kSettings,
              "media.inputs: the input " + name + " is neither v4l2://, file://, rtsp:// nor http://.");
}

LocalInput::LocalInput(std::string name, std::string uri, std::weak_ptr<streaming::PublisherTarget> target)
    : name_(std::move(name)),
      uri_(std::move(uri)),
      camera_(camera_of(uri_)),
      target_(std::move(target)),
      thread_([this] { run(); }) {}

LocalInput::~LocalInput() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool LocalInput::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool LocalInput::sleep(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

std::string LocalInput::wait_for_uri(bool* waited) {
  *waited = false;
  if (!camera_) return uri_;
  std::string node = camera_->find();
  if (node.empty()) {
    *waited = true;
    log(LogLevel::kWarning, "the input " + name_ + " waits for its camera, " + uri_);
    while (node.empty() && sleep(kLookForCamera)) node = camera_->find();
    if (node.empty()) return {};
    log(LogLevel::kInfo, "the camera of the input " + name_ + " is there as " + node);
  }
  return std::string(kCamera) + node;
}

void LocalInput::run() {
  auto pause = kFirstPause;
  while (!stopping()) {
    bool waited = false;
    const std::string uri = wait_for_uri(&waited);
    if (waited) pause = kFirstPause;
    if (uri.empty()) return;
    const auto started = Clock::now();
    const std::string why = play(uri);
    if (Clock::now() - started > kLongestPause) pause = kFirstPause;
    if (why.empty() && Clock::now() - started > kFirstPause) continue;  // a film begins again
    if (!why.empty()) log(LogLevel::kWarning, "the input " + name_ + " ended and is tried again: " + why);
    sleep(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

ObjectPtr<GstElement> LocalInput::make_pipeline(const std::string& uri) const {
  GError* error = nullptr;
  GstElement* made = gst_parse_launch(((camera_ ? kCameraSource : kOtherSource) + std::string(kSinks)).c_str(), &error);
  if (error) {
    const std::string said = error->message;
    g_error_free(error);
    if (made) gst_object_unref(gst_object_ref_sink(made));
    throw Error(ErrorKind::kUnavailable, said);
  }
  ObjectPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(made)));
  if (camera_) {
    choose_mode(made, uri.substr(kCamera.size()));
    return pipeline;
  }
  const ObjectPtr<GstElement> source(gst_bin_get_by_name(GST_BIN(made), "source"));
  g_object_set(source.get(), "uri", uri.c_str(), nullptr);
  g_signal_connect(source.get(), "source-setup", G_CALLBACK(+[](GstElement*, GstElement* made_source, gpointer) {
                     const auto* spec =
                         g_object_class_find_property(G_OBJECT_GET_CLASS(made_source), "drop-on-latency");
                     if (spec) g_object_set(made_source, "latency", kRtspLatencyMs, nullptr);
                   }),
                   nullptr);
  // Pictures that come one after the other by HTTP: decodebin would wait for more streams for as long as they come.
  g_signal_connect(made, "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* added, gpointer) {
                     if (g_object_class_find_property(G_OBJECT_GET_CLASS(added), "single-stream"))
                       g_object_set(added, "single-stream", TRUE, nullptr);
                   }),
                   nullptr);
  return pipeline;
}

std::string LocalInput::play(const std::string& uri) {
  Taker taker;
  taker.target = target_.lock();
  taker.name = name_;
  if (!taker.target) return {};
  ObjectPtr<GstElement> pipeline;
  try {
    pipeline = make_pipeline(uri);
  } catch (const std::exception& error) {
    return error.what();
  }
  for (const bool video : {true, false}) {
    const ObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), video ? "video" : "audio"));
    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = video ? Taker::on_video : Taker::on_audio;
    // The pictures' end is the film's: a film without sound never ends the other.
    if (video) callbacks.eos = Taker::on_end;
    gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, &taker, nullptr);
  }
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::string why;
  while (why.empty() && !taker.over && !stopping()) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), kLook, GST_MESSAGE_ERROR);
    if (!message) continue;
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    why = error->message;
    g_error_free(error);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  if (taker.sound) taker.target->publisher_left(name_);
  return why;
}

}  // namespace liveedit::server
