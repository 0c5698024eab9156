// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_stream.h"

#include <pthread.h>

#include <gst/app/gstappsink.h>
#include <gst/video/video-event.h>

#include "streaming/base/encoder.h"
#include "streaming/base/error.h"

GST_DEBUG_CATEGORY_EXTERN(gst_live_http_sink_debug);
#define GST_CAT_DEFAULT gst_live_http_sink_debug

namespace liveedit::streaming {
namespace {

constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{8000};
// An input that has been silent for longer is left out of a new encoder, which would wait for it.
constexpr std::chrono::seconds kRecent{2};
// The first segment names the sound only if its encoder has begun by then: pictures wait for that, but no longer.
constexpr GstClockTime kWaitForSound = 3 * GST_SECOND;

}  // namespace

// Asks for a key frame in front of each segment, and cuts what the multiplexer gives.
struct HlsStream::Run {
  Run(HlsStream* stream, bool with_audio, guint bitrate)
      : target(static_cast<GstClockTime>(stream->settings_.segment_seconds * GST_SECOND)),
        segmenter(stream->settings_.segment_seconds, [this, stream](double seconds, std::string data) {
          stream->add_segment(seconds, std::move(data), std::exchange(first, false));
        }) {
    build(with_audio, bitrate);
  }
  ~Run() {
    // First the thread that fills the segmenter ends.
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  void build(bool with_audio, guint bitrate);
  bool waits_for_sound(GstClockTime time);
  static GstPadProbeReturn before_encoder(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstFlowReturn on_packets(GstAppSink* sink, gpointer data);
  static void on_eos(GstAppSink*, gpointer data) { static_cast<Run*>(data)->segmenter.finish(); }

  const GstClockTime target;
  bool first = true;
  HlsSegmenter segmenter;  // the multiplexer's thread alone
  GstClockTime next_key = 0, began = GST_CLOCK_TIME_NONE;
  ObjectPtr<GstPad> sound;  // of the multiplexer; none: there is no sound, or it has begun
  ObjectPtr<GstElement> pipeline;
  ObjectPtr<GstElement> encoder;
  std::unique_ptr<PipelineFeed> feed;
};

void HlsStream::Run::build(bool with_audio, guint bitrate) {
  pipeline.reset(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new("hls"))));
  const auto add = [this](GstElement* element) {
    if (!element) throw Error(ErrorKind::kUnavailable, "mpegtsmux was not found: install gstreamer1.0-plugins-bad.");
    gst_bin_add(GST_BIN(pipeline.get()), element);
    return element;
  };
  GstElement* video = add(gst_parse_launch(kFeedVideoSource, nullptr));
  encoder.reset(GST_ELEMENT(gst_object_ref(add(make_h264_encoder({bitrate, 10000})))));
  GstElement* mux = add(gst_element_factory_make("mpegtsmux", nullptr));
  GstElement* sink = add(gst_element_factory_make("appsink", nullptr));
  g_object_set(sink, "sync", FALSE, "enable-last-sample", FALSE, nullptr);
  GstElement* queue = add(gst_element_factory_make("queue", nullptr));
  bool linked = gst_element_link_many(video, encoder.get(), queue, mux, sink, nullptr);
  GstElement* audio = nullptr;
  if (with_audio) {
    audio = add(gst_parse_launch(kFeedAudioSource, nullptr));
    GstElement* sounds = add(gst_element_factory_make("queue", nullptr));
    linked = linked && gst_element_link_many(audio, add(make_aac_encoder()), sounds, mux, nullptr);
    const ObjectPtr<GstPad> last(gst_element_get_static_pad(sounds, "src"));
    sound.reset(gst_pad_get_peer(last.get()));
  }
  if (!linked) throw Error(ErrorKind::kUnavailable, "The HLS encoder could not be put together.");
  GstAppSinkCallbacks callbacks{};
  callbacks.eos = on_eos;
  callbacks.new_sample = on_packets;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, this, nullptr);
  const ObjectPtr<GstPad> pad(gst_element_get_static_pad(video, "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, before_encoder, this, nullptr);
  feed = std::make_unique<PipelineFeed>(video, audio);
}

// `time`: of the next picture.
bool HlsStream::Run::waits_for_sound(GstClockTime time) {
  if (!sound) return false;
  if (!GST_CLOCK_TIME_IS_VALID(began)) began = time;
  const bool waits = !gst_pad_has_current_caps(sound.get()) && time < began + kWaitForSound;
  if (!waits) sound.reset();
  return waits;
}

GstPadProbeReturn HlsStream::Run::before_encoder(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<Run*>(data);
  const GstClockTime time = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
  if (self->waits_for_sound(time)) return GST_PAD_PROBE_DROP;
  if (time < self->next_key) return GST_PAD_PROBE_OK;
  self->next_key = time + self->target;
  gst_pad_push_event(pad, gst_video_event_new_downstream_force_key_unit(GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
                                                                        GST_CLOCK_TIME_NONE, TRUE, 0));
  return GST_PAD_PROBE_OK;
}

GstFlowReturn HlsStream::Run::on_packets(GstAppSink* sink, gpointer data) {
  auto* self = static_cast<Run*>(data);
  const SamplePtr sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_EOS;
  GstBuffer* buffer = gst_sample_get_buffer(sample.get());
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_ERROR;
  const double seconds = GST_BUFFER_PTS_IS_VALID(buffer) ? static_cast<double>(GST_BUFFER_PTS(buffer)) / GST_SECOND : 0;
  self->segmenter.add(map.data, map.size, seconds, !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unmap(buffer, &map);
  return GST_FLOW_OK;
}

HlsStream::HlsStream(const HlsSettings& settings, Warning warning)
    : settings_(settings),
      warning_(std::move(warning)),
      playlist_(settings.segment_seconds),
      bitrate_(settings.bitrate) {
  if (!settings.folder.empty())
    folder_ = std::make_unique<HlsFolder>(settings.folder, settings.segment_seconds, warning_);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "liveedit-hls");
    control();
  });
}

HlsStream::~HlsStream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void HlsStream::push(InputKind kind, GstSample* sample, GstClockTime running_time) {
  std::shared_ptr<Run> run;
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    (kind == InputKind::kVideo ? video_seen_ : audio_heard_) = Clock::now();
    ended_ = false;
    run = run_;
    wake = !run && wanted(Clock::now());
  }
  if (wake) wake_.notify_all();
  if (run) run->feed->push(kind, sample, running_time);
}

void HlsStream::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
}

void HlsStream::set_bitrate(guint bitrate) {
  std::shared_ptr<Run> run;
  {
    const std::lock_guard lock(mutex_);
    bitrate_ = bitrate;
    run = run_;
  }
  if (run) set_h264_bitrate(run->encoder.get(), bitrate);
}

void HlsStream::ask(HlsPlaylist::Ready ready) {
  {
    const std::lock_guard lock(mutex_);
    asked_ = Clock::now();
  }
  wake_.notify_all();
  playlist_.wait_for_playlist(std::move(ready));
}

HlsStats HlsStream::stats() const {
  const std::lock_guard lock(mutex_);
  return {segments_, restarts_, folder_ ? folder_->failures() : 0, playlist_.bytes(), run_ != nullptr};
}

bool HlsStream::wanted(Clock::time_point now) const {
  if (ended_ || video_seen_ == Clock::time_point{}) return false;
  return folder_ || (asked_ != Clock::time_point{} && now - asked_ < kIdle);
}

bool HlsStream::hears_audio() const {
  return audio_heard_ != Clock::time_point{} && Clock::now() - audio_heard_ < kRecent;
}

void HlsStream::control() {
  auto pause = kFirstPause;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || wanted(Clock::now()); });
    if (stopping_) break;
    lock.unlock();
    const auto began = Clock::now();
    const bool fine = run_once();
    lock.lock();
    if (fine) {
      pause = kFirstPause;
      continue;
    }
    ++restarts_;
    if (Clock::now() - began > kLongestPause) pause = kFirstPause;
    wake_.wait_for(lock, pause, [this] { return stopping_; });
    pause = std::min(2 * pause, kLongestPause);
  }
}

// From start to rest, end, failure or the first sound of a silent stream. false: it failed.
bool HlsStream::run_once() {
  std::shared_ptr<Run> run;
  bool with_audio = false;
  try {
    {
      const std::lock_guard lock(mutex_);
      with_audio = hears_audio();
    }
    run = std::make_shared<Run>(this, with_audio, bitrate_);
  } catch (const std::exception& error) {
    warning_(error.what());
    return false;
  }
  gst_element_set_state(run->pipeline.get(), GST_STATE_PLAYING);
  {
    const std::lock_guard lock(mutex_);
    run_ = run;
  }
  const ObjectPtr<GstBus> bus(gst_element_get_bus(run->pipeline.get()));
  bool fine = true, ending = false, ended = false, audio_came = false;
  while (fine && !ended) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), 100 * GST_MSECOND,
                                                     static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
    if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) ended = true;
    if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      warning_(std::string("HLS starts anew: ") + error->message);
      g_error_free(error);
      fine = false;
    }
    if (message) gst_message_unref(message);
    const std::lock_guard lock(mutex_);
    // It came after the first picture, or much later: another encoder takes it in. Most often no segment is out yet.
    audio_came = !ended_ && !with_audio && hears_audio();
    if (stopping_ || audio_came || (!ended_ && !wanted(Clock::now()))) break;
    if (ended_ && !std::exchange(ending, true)) {
      run->feed->end(InputKind::kVideo);
      run->feed->end(InputKind::kAudio);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    run_.reset();
  }
  gst_element_set_state(run->pipeline.get(), GST_STATE_NULL);
  if (ended) {
    playlist_.end();
    if (folder_) folder_->end();
  } else if (fine && !audio_came) {
    playlist_.clear();
  }
  return fine;
}

void HlsStream::add_segment(double seconds, std::string data, bool first_of_run) {
  const auto bytes = std::make_shared<const std::string>(std::move(data));
  bool again;
  {
    const std::lock_guard lock(mutex_);
    again = first_of_run && std::exchange(ran_before_, true);
    ++segments_;
  }
  HlsSegment segment = playlist_.add(seconds, bytes, again);
  if (folder_) folder_->add(std::move(segment));
}

}  // namespace liveedit::streaming
