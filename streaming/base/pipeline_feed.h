// SPDX-License-Identifier: LGPL-2.1-or-later
// From a serving element into a pipeline of its own (an RTSP media, the HLS encoder) that runs on its own clock time.
#pragma once

#include <array>
#include <mutex>

#include <gst/gst.h>

#include "streaming/base/gst_pointers.h"
#include "streaming/base/live_inputs.h"

namespace liveedit::streaming {

// The description of an appsrc fit for a feed: live, never blocking, bounded, dropping the oldest.
extern const char kFeedVideoSource[];
extern const char kFeedAudioSource[];

// Running times of one pipeline as those of another. Their clocks need not agree for ever: after a pause, or when they
// have drifted apart by more than kTolerance, what comes is taken as coming now.
class TimeMap {
 public:
  static constexpr GstClockTimeDiff kTolerance = 500 * GST_MSECOND;
  // `now`: the receiving pipeline's running time. `*jumped`: the map was made anew.
  GstClockTime map(GstClockTime running_time, GstClockTime now, bool* jumped);

 private:
  bool known_ = false;
  GstClockTimeDiff offset_ = 0;
};

// Thread-safe.
class PipelineFeed {
 public:
  // Either may be null; takes references of its own.
  PipelineFeed(GstElement* video_source, GstElement* audio_source);

  // Before the receiving pipeline plays nothing is kept. `running_time` may be NONE: then the sample is of now.
  void push(InputKind kind, GstSample* sample, GstClockTime running_time);
  void end(InputKind kind);

 private:
  std::mutex mutex_;
  TimeMap times_;
  std::array<ObjectPtr<GstElement>, kInputKinds> sources_;
};

}  // namespace liveedit::streaming
