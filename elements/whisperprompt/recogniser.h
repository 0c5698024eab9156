// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include <gst/gst.h>

#include "core/api/transcriber.h"

namespace liveedit::elements {

// What somebody said, or has said so far.
struct Utterance {
  std::uint64_t id = 0;  // the same for all that is known of one utterance
  GstClockTime pts = 0;
  GstClockTime duration = 0;
  GstClockTime stream_time = GST_CLOCK_TIME_NONE;
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  bool has_place = true;                // in the output queue
  std::int64_t speech_end_arrival = 0;  // g_get_monotonic_time() when its last sample of speech came in
  std::vector<float> samples;
};
using UtterancePtr = std::shared_ptr<const Utterance>;

// Recognises utterances on a thread of its own, so that neither the audio nor the search for speech waits for it.
//
// An utterance may be handed in before it is certain that it has ended: it is recognised at once, and its text is given
// when the end is confirmed, or thrown away when somebody goes on. So the time of a recognition passes while one has to
// wait for the silence anyway.
class Recogniser {
 public:
  struct Result {
    UtterancePtr utterance;
    bool final = true;
    std::optional<Transcript> transcript;  // nullopt: it failed, which has been told
    double milliseconds = 0;               // of the recognition
  };
  // Both run on the recogniser's thread.
  using Recognise = std::function<std::optional<Transcript>(const Utterance& utterance, const std::stop_token& stop)>;
  using Deliver = std::function<void(const Result& result)>;

  Recogniser(Recognise recognise, Deliver deliver) : recognise_(std::move(recognise)), deliver_(std::move(deliver)) {}
  ~Recogniser() { stop(); }
  Recogniser(const Recogniser&) = delete;
  Recogniser& operator=(const Recogniser&) = delete;

  // start and stop: one thread at a time. stop() cancels and forgets everything, and returns when nothing runs.
  void start();
  void stop();
  void cancel();  // lets finish() return, and what runs end soon; any thread

  // The listening thread's:
  // An utterance that has probably ended.
  void expect(UtterancePtr utterance);
  // Somebody goes on: forget what was expected.
  void withdraw();
  // The end is certain. What was expected of the same length is taken. Utterances are delivered in this order. Of those
  // that wait while another is recognised, leaky keeps the newest and gives the others back; else the call waits.
  std::vector<UtterancePtr> finish(UtterancePtr utterance, bool leaky);
  // Waits until all that is finished has been delivered, or somebody cancels.
  void drain();
  bool idle();
  // The beginning of an utterance, recognised only if there is nothing else to do.
  void try_partial(UtterancePtr utterance);

 private:
  enum class Stage { kPartial, kExpected, kFinal, kWithdrawn };
  struct Job {
    UtterancePtr utterance;
    Stage stage = Stage::kFinal;
    bool running = false;
    bool done = false;
    std::optional<Transcript> transcript = {};
    double milliseconds = 0;
    std::stop_source stop = {};
  };
  using JobPtr = std::shared_ptr<Job>;

  void run();
  void recognise(const JobPtr& job, std::unique_lock<std::mutex>& lock);
  void deliver(Job& job, std::unique_lock<std::mutex>& lock);
  JobPtr next_deliverable() const;
  JobPtr next_to_do() const;
  void withdraw_where(Stage stage);
  std::size_t waiting() const;

  static constexpr std::size_t kMostWaiting = 4;

  const Recognise recognise_;
  const Deliver deliver_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<JobPtr> jobs_;
  bool delivering_ = false;
  bool stopping_ = true;
};

}  // namespace liveedit::elements
