// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/pipeline_feed.h"

#include <gst/app/gstappsrc.h>

namespace liveedit::streaming {

const char kFeedVideoSource[] =
    "appsrc name=video_source is-live=true format=time max-buffers=3 max-bytes=0 leaky-type=downstream min-latency=0";
const char kFeedAudioSource[] =
    "appsrc name=audio_source is-live=true format=time max-time=500000000 max-bytes=0 leaky-type=downstream "
    "min-latency=0";

GstClockTime TimeMap::map(GstClockTime running_time, GstClockTime now, bool* jumped) {
  const GstClockTimeDiff offset = GST_CLOCK_DIFF(running_time, now);
  *jumped = !known_ || ABS(offset - offset_) > kTolerance;
  if (*jumped) offset_ = offset;
  known_ = true;
  return MAX(0, static_cast<GstClockTimeDiff>(running_time) + offset_);
}

PipelineFeed::PipelineFeed(GstElement* video_source, GstElement* audio_source) {
  if (video_source) sources_[0].reset(GST_ELEMENT(gst_object_ref(video_source)));
  if (audio_source) sources_[1].reset(GST_ELEMENT(gst_object_ref(audio_source)));
}

void PipelineFeed::push(InputKind kind, GstSample* sample, GstClockTime running_time) {
  const std::lock_guard lock(mutex_);
  GstElement* source = sources_[static_cast<size_t>(kind)].get();
  if (!source || GST_STATE(source) != GST_STATE_PLAYING) return;
  const ObjectPtr<GstClock> clock(gst_element_get_clock(source));
  if (!clock) return;
  const GstClockTime base = gst_element_get_base_time(source), time = gst_clock_get_time(clock.get());
  const GstClockTime now = time > base ? time - base : 0;
  bool jumped = false;
  const GstClockTime mapped = GST_CLOCK_TIME_IS_VALID(running_time) ? times_.map(running_time, now, &jumped) : now;

  // A copy of the header; the picture itself is shared.
  GstBuffer* buffer = gst_buffer_copy(gst_sample_get_buffer(sample));
  GST_BUFFER_PTS(buffer) = mapped;
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_OFFSET(buffer) = GST_BUFFER_OFFSET_NONE;
  if (jumped) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  GstSample* moved = gst_sample_new(buffer, gst_sample_get_caps(sample), nullptr, nullptr);
  gst_buffer_unref(buffer);
  gst_app_src_push_sample(GST_APP_SRC(source), moved);
  gst_sample_unref(moved);
}

void PipelineFeed::end(InputKind kind) {
  const std::lock_guard lock(mutex_);
  if (GstElement* source = sources_[static_cast<size_t>(kind)].get()) gst_app_src_end_of_stream(GST_APP_SRC(source));
}

}  // namespace liveedit::streaming
