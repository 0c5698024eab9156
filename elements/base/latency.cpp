// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/latency.h"

#include <algorithm>

namespace liveedit::elements {
namespace {

// Changes up to this share, or this much, are not worth a new distribution of latency.
constexpr double kShare = 0.2;
constexpr GstClockTime kLeast = 2 * GST_MSECOND;

}  // namespace

bool OwnLatency::update(int held_frames, GstClockTime frame_duration, double frame_ms) {
  const GstClockTime held = held_frames * frame_duration;
  const auto processing = static_cast<GstClockTime>(std::max(frame_ms, 0.0) * GST_MSECOND);
  const GstClockTime told = held_ + processing_;
  const GstClockTime now = held + processing;
  const GstClockTime difference = now > told ? now - told : told - now;
  const bool tell = held != held_ || (difference > kLeast && difference > kShare * told);
  if (tell) {
    held_ = held;
    processing_ = processing;
  }
  return tell;
}

void OwnLatency::update(GstElement* element, int held_frames, GstClockTime frame_duration, double frame_ms) {
  if (!update(held_frames, frame_duration, frame_ms)) return;
  gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

void OwnLatency::reset() {
  held_ = 0;
  processing_ = 0;
}

void OwnLatency::add_to(GstQuery* query) const {
  gboolean live;
  GstClockTime min, max;
  gst_query_parse_latency(query, &live, &min, &max);
  const GstClockTime own = held_ + (live ? processing_.load() : 0);
  min += own;
  if (GST_CLOCK_TIME_IS_VALID(max)) max += own;
  gst_query_set_latency(query, live, min, max);
}

}  // namespace liveedit::elements
