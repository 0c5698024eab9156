// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/listener.h"

#include <algorithm>
#include <utility>

#include "elements/base/core_error.h"

GST_DEBUG_CATEGORY_EXTERN(gst_whisper_prompt_debug);
#define GST_CAT_DEFAULT gst_whisper_prompt_debug

namespace liveedit::elements {
namespace {

using Happening = UtteranceFinder::Happening;
using Kind = UtteranceFinder::Kind;

// Sound that is missing for no longer is taken as silence within a sentence; and time that goes back by no more does
// not end one.
constexpr GstClockTimeDiff kBridge = 500 * GST_MSECOND;
// Timestamps that differ by no more are the same.
constexpr GstClockTimeDiff kSameTime = 20 * GST_MSECOND;

}  // namespace

Listener::Listener(GstElement* element, TranscriberLoader* loader, const PromptSettingsStore* settings,
                   SpeechStatistics* statistics, SoundQueue* sounds, OutputQueue* output,
                   PromptMaker::Recognised on_recognised, std::function<void()> on_failure)
    : element_(element),
      loader_(loader),
      settings_store_(settings),
      sounds_(sounds),
      output_(output),
      on_failure_(std::move(on_failure)),
      maker_(element, settings, statistics, output, std::move(on_recognised)),
      recogniser_([this](const Utterance& said, const std::stop_token& stop) { return maker_.recognise(said, stop); },
                  [this](const Recogniser::Result& result) { maker_.deliver(result); }) {}

void Listener::start(Core* core) {
  thread_ = std::thread([this, core] { run(core); });
}

void Listener::cancel() {
  recogniser_.cancel();
}

void Listener::stop() {
  recogniser_.cancel();
  if (thread_.joinable()) thread_.join();
  recogniser_.stop();
  maker_.end();
}

void Listener::run(Core* core) {
  core_ = core;
  if (!open()) return;
  while (std::optional<Heard> heard = sounds_->pop()) {
    try {
      handle(std::move(*heard));
    } catch (const std::exception& error) {
      post_error(element_, error);
      on_failure_();
      return;
    }
  }
}

// Waits for the model. false: there is none, which has been told, or somebody does not want it any more.
bool Listener::open() {
  settings_ = nullptr;
  any_without_place_ = false;
  finder_.reset();
  rest_.clear();
  anchor_pts_ = GST_CLOCK_TIME_NONE;
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  GstFlowReturn flow;
  std::shared_ptr<Transcriber> transcriber = loader_->wait(&flow);
  if (!transcriber) {
    if (flow == GST_FLOW_ERROR) on_failure_();
    return false;
  }
  try {
    maker_.begin(std::move(transcriber), &leaky_, on_failure_);
    follow_settings();
  } catch (const std::exception& error) {
    post_error(element_, error);
    on_failure_();
    return false;
  }
  recogniser_.start();
  return true;
}

void Listener::follow_settings() {
  std::shared_ptr<const PromptSettings> now = settings_store_->snapshot();
  if (now == settings_) return;
  settings_ = std::move(now);
  finder_.set(settings_->finder());
  if (settings_->vad == VoiceActivity::kNone) detector_.reset();
  if (settings_->vad == VoiceActivity::kNone || (detector_ && vad_ == settings_->vad)) return;
  VoiceDetectorConfig config;
  config.kind = settings_->vad == VoiceActivity::kEnergy ? VoiceDetection::kEnergy : VoiceDetection::kSilero;
  detector_ = core_->create_voice_detector(config, [](const ProgressStep&) { return true; });
  vad_ = settings_->vad;
}

/* ---- time ---- */

void Listener::anchor(GstClockTime pts) {
  anchor_pts_ = pts;
  anchor_place_ = place();
}

GstClockTime Listener::time_at(std::int64_t place) const {
  if (place >= anchor_place_) return anchor_pts_ + time_of(static_cast<std::uint64_t>(place - anchor_place_));
  const GstClockTime back = time_of(static_cast<std::uint64_t>(anchor_place_ - place));
  return anchor_pts_ > back ? anchor_pts_ - back : 0;
}

// Sound comes that stands at `pts`.
void Listener::follow_time(GstClockTime pts) {
  if (!GST_CLOCK_TIME_IS_VALID(anchor_pts_)) {
    anchor(pts);
    output_->begin_at(pts);
    return;
  }
  const GstClockTimeDiff apart = GST_CLOCK_DIFF(time_at(place()), pts);
  if (std::abs(apart) <= kSameTime) return;
  if (std::abs(apart) <= kBridge) {
    if (apart > 0) feed_silence(static_cast<GstClockTime>(apart), arrival_);
    anchor(pts);
    return;
  }
  GST_DEBUG_OBJECT(element_, "time jumps by %" G_GINT64_FORMAT " ms", apart / GST_MSECOND);
  end_speech();
  anchor(pts);
  if (apart < 0) output_->begin_at(pts);
}

/* ---- sound ---- */

void Listener::handle(Heard heard) {
  if (heard.event) {
    handle_event(std::move(heard.event));
  } else {
    follow_settings();
    hear(heard);
  }
}

void Listener::hear(const Heard& heard) {
  follow_time(heard.pts);
  feed(heard.samples, heard.arrival);
  tell_silence();
}

void Listener::feed(std::span<const float> samples, std::int64_t arrival) {
  arrival_ = arrival;
  rest_.insert(rest_.end(), samples.begin(), samples.end());
  std::size_t used = 0;
  for (; rest_.size() - used >= VoiceDetector::kWindow; used += VoiceDetector::kWindow) {
    const auto window = std::span<const float>(rest_).subspan(used).first<VoiceDetector::kWindow>();
    take(finder_.feed(window, listen(window), arrival));
    try_partial();
  }
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Listener::feed_silence(GstClockTime duration, std::int64_t arrival) {
  const std::vector<float> silence(gst_util_uint64_scale_int(duration, kSpeechSampleRate, GST_SECOND));
  feed(silence, arrival);
}

float Listener::listen(std::span<const float, VoiceDetector::kWindow> window) {
  return detector_ ? detector_->feed(window) : 1.0F;
}

// The stream ends here, or what follows has nothing to do with it.
void Listener::end_speech() {
  take(finder_.finish(rest_));
  rest_.clear();
  finder_.reset();
  if (detector_) detector_->reset();
}

// The same, where what is in flight has to leave first. Texts with a place do so anyway.
void Listener::end_stream() {
  end_speech();
  if (std::exchange(any_without_place_, false)) recogniser_.drain();
}

void Listener::tell_silence() {
  if (!GST_CLOCK_TIME_IS_VALID(anchor_pts_)) return;
  const bool in_place = finder_.speaking() ? has_place_ : in_place_.load();
  output_->silent_until(time_at(in_place ? finder_.silent_until() : finder_.now()));
}

/* ---- utterances ---- */

void Listener::take(const std::vector<Happening>& happenings) {
  for (const Happening& happening : happenings) {
    switch (happening.kind) {
      case Kind::kStarted:
        begin_utterance(happening.start);
        break;
      case Kind::kPaused:
        recogniser_.expect(utterance(happening));
        break;
      case Kind::kResumed:
        recogniser_.withdraw();
        break;
      case Kind::kEnded:
        end_utterance(happening);
        break;
    }
  }
}

void Listener::begin_utterance(std::int64_t start) {
  ++utterances_;
  partial_at_ = start;
  has_place_ = in_place_;
  any_without_place_ = any_without_place_ || !has_place_;
  if (has_place_) output_->reserve(utterances_, time_at(start));
}

void Listener::end_utterance(const Happening& ended) {
  UtterancePtr said = utterance(ended);
  if (has_place_) output_->close(utterances_, said->pts + said->duration);
  for (const UtterancePtr& dropped : recogniser_.finish(std::move(said), leaky_)) maker_.drop(*dropped);
}

UtterancePtr Listener::utterance(const Happening& at) const {
  auto said = std::make_shared<Utterance>();
  said->id = utterances_;
  said->pts = time_at(at.start);
  said->duration = time_of(static_cast<std::uint64_t>(at.end - at.start));
  said->stream_time = gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, said->pts);
  said->running_time = gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, said->pts);
  said->has_place = has_place_;
  said->speech_end_arrival = at.arrival;
  said->samples = finder_.sound(at.start, at.end);
  return said;
}

void Listener::try_partial() {
  if (settings_->partial_results == PartialResults::kNone || !finder_.speaking()) return;
  const std::int64_t interval = std::int64_t{settings_->partial_interval} * kSpeechSampleRate / 1000;
  if (finder_.now() - partial_at_ < interval || !recogniser_.idle()) return;
  partial_at_ = finder_.now();
  recogniser_.try_partial(utterance({Kind::kPaused, finder_.start(), finder_.now(), arrival_}));
}

/* ---- events ---- */

void Listener::handle_event(EventPtr event) {
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_GAP:
      hear_gap(event.get());
      return;
    case GST_EVENT_SEGMENT:
      end_stream();
      gst_event_copy_segment(event.get(), &segment_);
      anchor_pts_ = GST_CLOCK_TIME_NONE;
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT_DONE:
    case GST_EVENT_EOS:
      end_stream();
      if (GST_CLOCK_TIME_IS_VALID(anchor_pts_)) output_->silent_until(time_at(place()));
      break;
    default:
      break;
  }
  output_->add_event(std::move(event));
}

// Silence, but of sound that nobody sends.
void Listener::hear_gap(GstEvent* event) {
  GstClockTime pts, duration;
  gst_event_parse_gap(event, &pts, &duration);
  if (!GST_CLOCK_TIME_IS_VALID(pts)) return;
  follow_settings();
  follow_time(pts);
  if (GST_CLOCK_TIME_IS_VALID(duration)) {
    const GstClockTime heard = std::min<GstClockTime>(duration, kBridge);
    feed_silence(heard, g_get_monotonic_time());
    if (heard < duration) {
      end_speech();
      anchor(pts + duration);
    }
  }
  tell_silence();
}

}  // namespace liveedit::elements
