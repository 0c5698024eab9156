// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <gst/gst.h>

#include "core/api/transcriber.h"

namespace liveedit::elements {

struct EventUnref {
  void operator()(GstEvent* event) const { gst_event_unref(event); }
};
using EventPtr = std::unique_ptr<GstEvent, EventUnref>;

// Something of the sink pad, in its order: sound, or a serialized event.
struct Heard {
  std::vector<float> samples;  // mono, kSpeechSampleRate
  GstClockTime pts = 0;        // of the first sample
  std::int64_t arrival = 0;    // g_get_monotonic_time() of the last sample
  EventPtr event;              // then samples is empty
};

// How long so many samples last.
inline GstClockTime time_of(std::uint64_t samples) {
  return gst_util_uint64_scale_int(samples, GST_SECOND, kSpeechSampleRate);
}

// Sound between the streaming thread and the one that listens to it. Holds kLongestSound and small change.
class SoundQueue {
 public:
  static constexpr std::size_t kLongestSound = kLongestUtterance;

  // Where there is no room: leaky drops the oldest sound, else the call waits. false: flushing.
  // *dropped: how many samples were.
  bool push(Heard heard, bool leaky, std::size_t* dropped);

  // Waits for the next; nullopt: flushing.
  std::optional<Heard> pop();

  // true: nobody waits any more, and everything inside is thrown away. false: from now on they do.
  void set_flushing(bool flushing);

 private:
  bool joins_last(const Heard& heard) const;
  std::size_t drop_oldest();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Heard> inside_;
  std::size_t samples_ = 0;
  bool flushing_ = true;
};

}  // namespace liveedit::elements
