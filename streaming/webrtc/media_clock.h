// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions and encoders run in pipelines of their own, which outlive pauses and restarts of the user's pipeline. All of
// them share one clock and one base time, so that a timestamp means the same moment in each.
#pragma once

#include <gst/gst.h>

namespace liveedit::streaming {

// Nanoseconds of the system's monotonic clock since the first call in this process.
GstClockTime media_now();

// Makes `pipeline`'s running time media_now().
void use_media_clock(GstElement* pipeline);

// What media time a buffer of `element` with this running time belongs to: its due time by the element's own clock.
// Now, where that lies ahead (webrtcbin would hold it back until then) or more than a second behind (a pipeline that
// does not keep to its clock, or has none).
GstClockTime media_time_of(GstElement* element, GstClockTime running_time);

// The other way: the running time of `element` at this media time; GST_CLOCK_TIME_NONE while it has no clock.
GstClockTime running_time_at(GstElement* element, GstClockTime media_time);

}  // namespace liveedit::streaming
