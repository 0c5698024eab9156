// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gst/gst.h>

#include "core/api/core.h"
#include "elements/base/model_loader.h"
#include "elements/whisperprompt/output_queue.h"
#include "elements/whisperprompt/prompt_maker.h"
#include "elements/whisperprompt/properties.h"
#include "elements/whisperprompt/recogniser.h"
#include "elements/whisperprompt/sound_queue.h"
#include "elements/whisperprompt/speech_statistics.h"
#include "elements/whisperprompt/utterance_finder.h"

namespace liveedit::elements {

// Takes what comes in at the sink pad from the sound queue, finds what is said in it, has it recognised and gives each
// text its place in the output queue. All on threads of its own: this one listens, the recogniser's recognises.
class Listener {
 public:
  // on_failure: nothing more can be done; the error is on the bus. Called on one of the threads.
  Listener(GstElement* element, TranscriberLoader* loader, const PromptSettingsStore* settings,
           SpeechStatistics* statistics, SoundQueue* sounds, OutputQueue* output, PromptMaker::Recognised on_recognised,
           std::function<void()> on_failure);
  ~Listener() { stop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // start and stop: one thread at a time. Between stop() and start() everything is forgotten.
  void start(Core* core);
  // Precondition: both queues and the loader are flushing. Returns when nothing runs.
  void stop();
  void cancel();  // what runs ends soon; any thread

  // Whether sentences are left out rather than that the sound waits; from the next sound on. Any thread.
  void set_leaky(bool leaky) { leaky_ = leaky; }
  // Whether texts stand where they were spoken; from the next utterance on. Any thread.
  void set_in_place(bool in_place) { in_place_ = in_place; }

 private:
  void run(Core* core);
  bool open();
  void handle(Heard heard);
  void handle_event(EventPtr event);
  void hear(const Heard& heard);
  void hear_gap(GstEvent* event);
  void follow_time(GstClockTime pts);
  void feed(std::span<const float> samples, std::int64_t arrival);
  void feed_silence(GstClockTime duration, std::int64_t arrival);
  float listen(std::span<const float, VoiceDetector::kWindow> window);
  void follow_settings();
  void take(const std::vector<UtteranceFinder::Happening>& happenings);
  void begin_utterance(std::int64_t start);
  void end_utterance(const UtteranceFinder::Happening& ended);
  void try_partial();
  void end_speech();
  void end_stream();
  void tell_silence();
  UtterancePtr utterance(const UtteranceFinder::Happening& at) const;

  std::int64_t place() const { return finder_.now() + static_cast<std::int64_t>(rest_.size()); }
  GstClockTime time_at(std::int64_t place) const;
  void anchor(GstClockTime pts);

  GstElement* const element_;
  TranscriberLoader* const loader_;
  const PromptSettingsStore* const settings_store_;
  SoundQueue* const sounds_;
  OutputQueue* const output_;
  const std::function<void()> on_failure_;
  PromptMaker maker_;
  Recogniser recogniser_;
  std::thread thread_;
  std::atomic<bool> leaky_ = false;
  std::atomic<bool> in_place_ = true;

  // The listening thread's:
  Core* core_ = nullptr;
  std::shared_ptr<const PromptSettings> settings_;
  VoiceActivity vad_ = VoiceActivity::kNone;  // of detector_
  std::unique_ptr<VoiceDetector> detector_;
  UtteranceFinder finder_;
  std::vector<float> rest_;   // samples that fill no window yet
  std::int64_t arrival_ = 0;  // of the last of them
  GstSegment segment_{};
  GstClockTime anchor_pts_ = GST_CLOCK_TIME_NONE;  // time of the sample at anchor_place_
  std::int64_t anchor_place_ = 0;
  std::uint64_t utterances_ = 0;
  bool has_place_ = true;  // the utterance that goes on, in the output queue
  bool any_without_place_ = false;
  std::int64_t partial_at_ = 0;
};

}  // namespace liveedit::elements
