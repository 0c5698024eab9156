// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "tests/elements/filter_harness.h"

namespace liveedit::testing {

// An rvmmatte. The double's pictures (core_double/double_matter.h) tell in their first pixel's matte how many frames
// the network remembers.
class MatteHarness : public FilterHarness {
 public:
  explicit MatteHarness(const std::string& properties,
                        const std::string& caps = "video/x-raw,format=RGB,width=16,height=8,framerate=25/1")
      : FilterHarness(properties, caps, "rvmmatte") {}

  // What leaves now.
  GstVideoInfo out_info() {
    GstVideoInfo info;
    gst_video_info_init(&info);
    if (GstCaps* caps = gst_pad_get_current_caps(video()->sinkpad)) {
      gst_video_info_from_caps(&info, caps);
      gst_caps_unref(caps);
    }
    return info;
  }
  std::string out_format() { return gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&(last_info_ = out_info()))); }

  // With output=matte: frames that the network remembers, by the next frame that has left; -1: none has.
  int remembered() {
    const BufferPtr frame = take();
    return frame ? first_byte(frame.get()) : -1;
  }

 private:
  GstVideoInfo last_info_{};
};

}  // namespace liveedit::testing
