// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/shared_encoder.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gst/app/app.h>
#include <gst/video/video.h>

#include "streaming/base/error.h"
#include "streaming/webrtc/media_clock.h"

namespace liveedit::streaming {
namespace {

constexpr GstClockTime kKeyInterval = GST_SECOND / 2;
constexpr GstClockTime kJoinKeyInterval = GST_SECOND / 10;
constexpr guint64 kWaitingPictures = 2;
constexpr guint64 kWaitingAudio = 20;

bool installed(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

// libx264 first: it keeps colours and its bitrate better than OpenH264 at the same speed.
const char* h264_encoder() {
  if (installed("x264enc")) return "x264enc";
  return installed("openh264enc") ? "openh264enc" : nullptr;
}

// What stands between appsrc and appsink. One thread each: on a busy machine encoder threads that wait for each other
// cost more than they bring.
std::string encoder_chain(CodecKind codec) {
  // VP8 has no word for any other colorimetry than BT.601 (RFC 6386, 9.2); H.264 says which it is.
  const std::string colours = codec == CodecKind::kVp8 ? ",colorimetry=bt601" : "";
  const std::string picture =
      "videoconvert n-threads=1 ! video/x-raw,format=I420" + colours + " ! videocrop name=even ! ";
  switch (codec) {
    case CodecKind::kVp8:
      return picture +
             "vp8enc name=encoder deadline=1 cpu-used=-8 threads=1 end-usage=cbr error-resilient=default "
             "keyframe-max-dist=300 lag-in-frames=0 max-intra-bitrate=300 undershoot=95 buffer-initial-size=300 "
             "buffer-optimal-size=300 buffer-size=600";
    case CodecKind::kH264:
      if (std::string(h264_encoder()) == "openh264enc")
        return picture +
               "openh264enc name=encoder complexity=low gop-size=300 rate-control=bitrate multi-thread=1 ! "
               "video/x-h264,profile=constrained-baseline ! h264parse ! "
               "video/x-h264,stream-format=avc,alignment=au";
      return picture +
             "x264enc name=encoder tune=zerolatency speed-preset=ultrafast bframes=0 key-int-max=300 threads=1 "
             "vbv-buf-capacity=300 ! video/x-h264,profile=constrained-baseline ! h264parse ! "
             "video/x-h264,stream-format=avc,alignment=au";
    case CodecKind::kOpus:
      break;
  }
  return "audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=[1,2] ! "
         "opusenc name=encoder audio-type=generic inband-fec=true frame-size=20";
}

class Encoder : public SharedEncoder, public std::enable_shared_from_this<Encoder> {
 public:
  Encoder(CodecKind codec, FailureHandler on_failure) : codec_(codec), on_failure_(std::move(on_failure)) {}
  ~Encoder() override { stop(); }

  void launch(int bitrate);
  void push(GstBuffer* buffer, GstCaps* caps) override;
  void add(std::weak_ptr<EncodedConsumer> consumer) override;
  bool request_key(KeyReason reason) override;
  void set_bitrate(int bits_per_second) override;
  int bitrate() const override { return bitrate_; }
  CodecKind codec() const override { return codec_; }
  std::uint64_t frames() const override { return frames_; }
  CapsPtr wait_caps(std::chrono::steady_clock::time_point deadline) override;
  void stop() override;

 private:
  void on_output(GstSample* sample);
  void fail(GstMessage* message);
  void keep_even(GstCaps* caps);

  const CodecKind codec_;
  FailureHandler on_failure_;
  ElementPtr pipeline_, source_, sink_, encoder_, crop_;
  std::atomic<int> bitrate_{0};
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<bool> failed_{false};

  std::mutex input_mutex_;  // one picture after the other, and its caps with it
  CapsPtr input_caps_;
  // input_mutex_: not NONE: a key picture is wanted, this long after the one before.
  GstClockTime key_wanted_after_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_key_ = 0;  // input_mutex_
  GstClockTime last_pts_ = 0;  // input_mutex_
  bool stopped_ = false;       // input_mutex_

  std::mutex output_mutex_;
  std::condition_variable output_changed_;
  std::vector<std::weak_ptr<EncodedConsumer>> consumers_;
  CapsPtr output_caps_;
};

void Encoder::launch(int bitrate) {
  const bool video = codec_ != CodecKind::kOpus;
  const std::string line = "appsrc name=in format=time is-live=true leaky-type=downstream max-bytes=0 max-buffers=" +
                           std::to_string(video ? kWaitingPictures : kWaitingAudio) + " ! " + encoder_chain(codec_) +
                           " ! appsink name=out sync=false async=false max-buffers=4 emit-signals=false";
  GError* error = nullptr;
  pipeline_.reset(gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error));
  if (!pipeline_) {
    const std::string text = error->message;
    g_clear_error(&error);
    throw Error(ErrorKind::kUnavailable, std::string("The ") + name_of(codec_) + " encoder could not be made: " + text +
                                             ". Install gstreamer1.0-plugins-good, -bad and -ugly.");
  }
  gst_object_ref_sink(pipeline_.get());
  GstBin* bin = GST_BIN(pipeline_.get());
  source_.reset(gst_bin_get_by_name(bin, "in"));
  sink_.reset(gst_bin_get_by_name(bin, "out"));
  encoder_.reset(gst_bin_get_by_name(bin, "encoder"));
  crop_.reset(gst_bin_get_by_name(bin, "even"));
  set_bitrate(bitrate);
  use_media_clock(pipeline_.get());

  const std::weak_ptr<Encoder> weak = weak_from_this();
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* sink, gpointer data) {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    const auto self = static_cast<std::weak_ptr<Encoder>*>(data)->lock();
    if (sample && self) self->on_output(sample.get());
    return GST_FLOW_OK;
  };
  const auto free_weak = [](gpointer data) { delete static_cast<std::weak_ptr<Encoder>*>(data); };
  gst_app_sink_set_callbacks(GST_APP_SINK(sink_.get()), &callbacks, new std::weak_ptr<Encoder>(weak), free_weak);
  GstBus* bus = gst_element_get_bus(pipeline_.get());
  gst_bus_set_sync_handler(
      bus,
      [](GstBus*, GstMessage* message, gpointer data) {
        const auto self = static_cast<std::weak_ptr<Encoder>*>(data)->lock();
        if (self && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) self->fail(message);
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      new std::weak_ptr<Encoder>(weak), free_weak);
  gst_object_unref(bus);
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

void Encoder::fail(GstMessage* message) {
  if (failed_.exchange(true)) return;
  GError* error = nullptr;
  gchar* detail = nullptr;
  gst_message_parse_error(message, &error, &detail);
  const std::string text = std::string(error->message) + (detail ? std::string(" (") + detail + ")" : "");
  g_clear_error(&error);
  g_free(detail);
  output_changed_.notify_all();
  if (on_failure_) on_failure_(text);
}

// 4:2:0 pictures of odd sizes are beyond H.264 encoders: the last column and row go.
void Encoder::keep_even(GstCaps* caps) {
  GstVideoInfo info;
  if (!crop_ || !gst_video_info_from_caps(&info, caps)) return;
  g_object_set(crop_.get(), "right", GST_VIDEO_INFO_WIDTH(&info) % 2, "bottom", GST_VIDEO_INFO_HEIGHT(&info) % 2,
               nullptr);
}

void Encoder::push(GstBuffer* buffer, GstCaps* caps) {
  std::lock_guard lock(input_mutex_);
  if (stopped_ || failed_) return;
  if (!input_caps_ || !gst_caps_is_equal(input_caps_.get(), caps)) {
    input_caps_.reset(gst_caps_ref(caps));
    keep_even(caps);
    gst_app_src_set_caps(GST_APP_SRC(source_.get()), caps);
  }
  // An encoder does not take a picture twice at one time, and the repeated last picture may cross a new one.
  GstClockTime pts = GST_BUFFER_PTS(buffer);
  if (codec_ != CodecKind::kOpus && pts <= last_pts_) pts = last_pts_ + GST_MSECOND;
  last_pts_ = pts;
  if (GST_CLOCK_TIME_IS_VALID(key_wanted_after_) && pts >= last_key_ + key_wanted_after_) {
    key_wanted_after_ = GST_CLOCK_TIME_NONE;
    last_key_ = pts;
    PadPtr pad(gst_element_get_static_pad(sink_.get(), "sink"));
    gst_pad_push_event(pad.get(), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  }
  GstBuffer* copy = gst_buffer_copy(buffer);
  GST_BUFFER_PTS(copy) = pts;
  GST_BUFFER_DTS(copy) = GST_CLOCK_TIME_NONE;
  gst_app_src_push_buffer(GST_APP_SRC(source_.get()), copy);
}

void Encoder::add(std::weak_ptr<EncodedConsumer> consumer) {
  std::lock_guard lock(output_mutex_);
  consumers_.push_back(std::move(consumer));
}

bool Encoder::request_key(KeyReason reason) {
  std::lock_guard lock(input_mutex_);
  const GstClockTime after = reason == KeyReason::kJoined ? kJoinKeyInterval : kKeyInterval;
  key_wanted_after_ = GST_CLOCK_TIME_IS_VALID(key_wanted_after_) ? std::min(key_wanted_after_, after) : after;
  return media_now() >= last_key_ + key_wanted_after_;
}

void Encoder::set_bitrate(int bits_per_second) {
  if (bitrate_.exchange(bits_per_second) == bits_per_second) return;
  const char* type = G_OBJECT_TYPE_NAME(encoder_.get());
  if (codec_ == CodecKind::kVp8) {
    g_object_set(encoder_.get(), "target-bitrate", bits_per_second, nullptr);
  } else if (g_str_equal(type, "GstX264Enc")) {
    g_object_set(encoder_.get(), "bitrate", static_cast<guint>(std::max(bits_per_second / 1000, 1)), nullptr);
  } else {
    g_object_set(encoder_.get(), "bitrate", bits_per_second, nullptr);
  }
}

void Encoder::on_output(GstSample* sample) {
  GstBuffer* encoded = gst_sample_get_buffer(sample);
  GstCaps* caps = gst_sample_get_caps(sample);
  if (!encoded || !caps) return;
  ++frames_;
  // x264enc moves its timestamps by a thousand hours and says so in the segment: what counts is the running time.
  const BufferPtr copy(gst_buffer_copy(encoded));
  GstBuffer* buffer = copy.get();
  GST_BUFFER_PTS(buffer) =
      gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME, GST_BUFFER_PTS(encoded));
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  const bool key = codec_ == CodecKind::kOpus || !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  std::vector<std::shared_ptr<EncodedConsumer>> live;
  {
    std::lock_guard lock(output_mutex_);
    if (!output_caps_ || !gst_caps_is_equal(output_caps_.get(), caps)) {
      output_caps_.reset(gst_caps_ref(caps));
      output_changed_.notify_all();
    }
    std::erase_if(consumers_, [&](const std::weak_ptr<EncodedConsumer>& weak) {
      auto consumer = weak.lock();
      if (!consumer) return true;
      live.push_back(std::move(consumer));
      return false;
    });
  }
  for (const auto& consumer : live) consumer->on_encoded(codec_, buffer, caps, key);
}

CapsPtr Encoder::wait_caps(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(output_mutex_);
  output_changed_.wait_until(lock, deadline, [this] { return output_caps_ || failed_; });
  return CapsPtr(output_caps_ && !failed_ ? gst_caps_ref(output_caps_.get()) : nullptr);
}

void Encoder::stop() {
  {
    std::lock_guard lock(input_mutex_);
    if (stopped_ || !pipeline_) return;
    stopped_ = true;
  }
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  std::lock_guard lock(output_mutex_);
  consumers_.clear();
}

}  // namespace

std::shared_ptr<SharedEncoder> SharedEncoder::start(CodecKind codec, int bitrate, FailureHandler on_failure) {
  if (!available(codec))
    throw Error(ErrorKind::kUnavailable, std::string("No encoder for ") + name_of(codec) +
                                             " is installed. Install gstreamer1.0-plugins-good, -bad and -ugly.");
  auto encoder = std::make_shared<Encoder>(codec, std::move(on_failure));
  encoder->launch(bitrate);
  return encoder;
}

bool SharedEncoder::available(CodecKind codec) {
  switch (codec) {
    case CodecKind::kVp8:
      return installed("vp8enc");
    case CodecKind::kH264:
      return h264_encoder() != nullptr;
    case CodecKind::kOpus:
      break;
  }
  return installed("opusenc");
}

}  // namespace liveedit::streaming
