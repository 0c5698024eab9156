// SPDX-License-Identifier: LGPL-2.1-or-later
// What one element shows under one RTSP path: encoded once, by a media that exists only while somebody watches.
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "streaming/base/live_inputs.h"

namespace liveedit::streaming::rtsp {

struct MountSettings {
  guint bitrate = 2000;         // kbit/s
  guint key_frame_frames = 60;  // frames between key frames, at most; a new viewer gets one at once
};

struct MountStats {
  guint64 frames = 0;       // that came in
  guint64 media_built = 0;  // times that an encoder was started
  guint media = 0;          // alive now: 0 or 1, for a moment 2
};

// Thread-safe.
class LiveMount {
 public:
  virtual ~LiveMount() = default;  // after its path has been unmounted
  static std::shared_ptr<LiveMount> make(const MountSettings& settings);

  virtual GstRTSPMediaFactory* factory() = 0;  // owned by the mount
  virtual void push(InputKind kind, GstSample* sample, GstClockTime running_time) = 0;
  // That input comes to its end. With the last one viewers are told.
  virtual void end(InputKind kind) = 0;
  virtual void set_bitrate(guint bitrate) = 0;
  // Media that still wait for a first frame fail at once instead.
  virtual void give_up_waiting() = 0;
  // Returns when no media is left, or false after `limit`.
  virtual bool wait_until_unused(GstClockTime limit) = 0;
  virtual MountStats stats() const = 0;
};

// A viewer joins `media`: the encoder makes a key frame, at most four a second.
void request_key_frame(GstRTSPMedia* media);

}  // namespace liveedit::streaming::rtsp
