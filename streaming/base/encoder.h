// SPDX-License-Identifier: LGPL-2.1-or-later
// Encoders for live viewers: made once for all of them.
#pragma once

#include <gst/gst.h>

namespace liveedit::streaming {

struct H264Settings {
  guint bitrate = 2000;         // kbit/s
  guint key_frame_frames = 60;  // frames from one key frame to the next, at most
};

// A bin with ghost pads "sink" (any raw video, odd sizes included) and "src" (H.264, constrained baseline, no B-frames,
// parameter sets with every key frame). x264enc where it is there, else openh264enc. The caller owns the floating
// reference. Throws Error (kUnavailable) with the package to install.
GstElement* make_h264_encoder(const H264Settings& settings);
// From any thread, in any state.
void set_h264_bitrate(GstElement* encoder_bin, guint bitrate);

// Raw audio in ("sink"), encoded for RTP or MPEG-TS out ("src").
GstElement* make_opus_encoder();
GstElement* make_aac_encoder();

}  // namespace liveedit::streaming
