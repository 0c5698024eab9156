// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>

#include <gst/gst.h>

namespace liveedit::elements {

// What an element adds to the latency of its stream, as last told to the pipeline.
class OwnLatency {
 public:
  // held_frames: frames held back, each of frame_duration (0 where unknown); frame_ms: time from a frame's arrival to
  // its picture. True if this differs enough from what was told that the pipeline must ask again.
  bool update(int held_frames, GstClockTime frame_duration, double frame_ms);

  // The same, and the pipeline is asked to ask where it must.
  void update(GstElement* element, int held_frames, GstClockTime frame_duration, double frame_ms);

  void reset();

  // Adds it to an answered LATENCY query. Processing time counts for live streams only.
  void add_to(GstQuery* query) const;

 private:
  std::atomic<GstClockTime> held_{0};
  std::atomic<GstClockTime> processing_{0};
};

}  // namespace liveedit::elements
