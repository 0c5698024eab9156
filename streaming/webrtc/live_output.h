// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include <gst/gst.h>

#include "streaming/webrtc/gst_handles.h"

namespace liveedit::streaming {

enum class Fallback { kLastFrame, kBlack };

// Makes one picture of `caps` (video/x-raw of system memory) that is black and opaque; null: caps that are no such
// picture.
BufferPtr black_picture(const GstCaps* caps);

// `duration` of silence for `caps` (audio/x-raw); null: caps that are no such sound.
BufferPtr silence(const GstCaps* caps, GstClockTime duration);

// A source pad of a bin that never runs dry: what is pushed goes out with its time, and while nothing is pushed the
// last picture, a black one, or silence does. One thread; the bin must be there longer.
class LiveOutput {
 public:
  // `latency`: how late in media time what is pushed may come.
  LiveOutput(GstBin* bin, const char* name, GstClockTime latency);
  ~LiveOutput();  // takes the pad away
  LiveOutput(const LiveOutput&) = delete;
  LiveOutput& operator=(const LiveOutput&) = delete;

  // Timestamp in media time. The first one makes the pad.
  void push(GstBuffer* buffer, GstCaps* caps);

  // Makes the pad with these caps before anything has come.
  void open(GstCaps* caps);

  // To be called every 10 ms or so: fills where there is a gap. `lost`: the publisher has gone, `fallback` says what is
  // shown then; a publisher that stalls leaves its last picture.
  void fill(bool lost, Fallback fallback);

  bool is_open() const { return source_ != nullptr; }
  std::uint64_t filled() const { return filled_; }

 private:
  void send(BufferPtr buffer, GstClockTime running_time);
  void set_caps(GstCaps* caps);
  void fill_video(GstClockTime now, bool lost, Fallback fallback);
  void fill_audio(GstClockTime now);

  GstBin* const bin_;
  const char* const name_;
  const GstClockTime latency_;
  const bool video_;
  GstElement* source_ = nullptr;  // the bin's
  GstPad* pad_ = nullptr;         // the bin's
  CapsPtr caps_;
  BufferPtr last_, black_;
  GstClockTime interval_ = 0;                     // between fill pictures
  GstClockTime last_real_ = GST_CLOCK_TIME_NONE;  // media time of the last push
  GstClockTime next_ = 0;                         // running time: nothing goes out before it
  std::uint64_t filled_ = 0;
};

}  // namespace liveedit::streaming
