// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include "core/api/frame_view.h"

namespace liveedit::elements {

// The formats that view_frame() takes, for a pad template.
#define LIVEEDIT_VIDEO_FORMATS "{ RGB, RGBx, BGRx, RGBA, BGRA, NV12, I420 }"

// A picture of system memory, mapped for as long as the object lives, which is no longer than the buffer.
class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags);
  ~MappedFrame();
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;

  bool ok() const { return mapped_; }  // false: the buffer is smaller than its caps say, or cannot be mapped
  const GstVideoFrame& frame() const { return frame_; }
  GstVideoFrame* frame() { return &frame_; }

  // Precondition: ok(), and a format of LIVEEDIT_VIDEO_FORMATS.
  FrameView view() const;

 private:
  GstVideoFrame frame_{};
  bool mapped_ = false;
};

}  // namespace liveedit::elements
