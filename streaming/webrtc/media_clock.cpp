// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/media_clock.h"

namespace liveedit::streaming {
namespace {

struct MediaClock {
  MediaClock() : clock(gst_system_clock_obtain()), epoch(gst_clock_get_time(clock)) {}
  ~MediaClock() { gst_object_unref(clock); }
  GstClock* clock;
  GstClockTime epoch;
};

// The clock's reference is let go with the plugin, the epoch stays.
const MediaClock& media_clock() {
  static const MediaClock clock;
  return clock;
}

// The element's own running time now; GST_CLOCK_TIME_NONE without a clock.
GstClockTime own_now(GstElement* element) {
  GstClock* clock = gst_element_get_clock(element);
  if (!clock) return GST_CLOCK_TIME_NONE;
  const GstClockTime now = gst_clock_get_time(clock);
  gst_object_unref(clock);
  const GstClockTime base = gst_element_get_base_time(element);
  return now > base ? now - base : 0;
}

}  // namespace

GstClockTime media_now() {
  return gst_clock_get_time(media_clock().clock) - media_clock().epoch;
}

void use_media_clock(GstElement* pipeline) {
  gst_pipeline_use_clock(GST_PIPELINE(pipeline), media_clock().clock);
  gst_element_set_start_time(pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time(pipeline, media_clock().epoch);
}

GstClockTime media_time_of(GstElement* element, GstClockTime running_time) {
  const GstClockTime now = media_now();
  const GstClockTime own = own_now(element);
  if (!GST_CLOCK_TIME_IS_VALID(own) || !GST_CLOCK_TIME_IS_VALID(running_time)) return now;
  const GstClockTimeDiff due_in = GST_CLOCK_DIFF(own, running_time);
  if (due_in >= 0 || due_in < -static_cast<GstClockTimeDiff>(GST_SECOND)) return now;
  const GstClockTimeDiff due = static_cast<GstClockTimeDiff>(now) + due_in;
  return due > 0 ? static_cast<GstClockTime>(due) : 0;
}

GstClockTime running_time_at(GstElement* element, GstClockTime media_time) {
  const GstClockTime own = own_now(element);
  if (!GST_CLOCK_TIME_IS_VALID(own)) return GST_CLOCK_TIME_NONE;
  const GstClockTimeDiff at = static_cast<GstClockTimeDiff>(own) + GST_CLOCK_DIFF(media_now(), media_time);
  return at > 0 ? static_cast<GstClockTime>(at) : 0;
}

}  // namespace liveedit::streaming
