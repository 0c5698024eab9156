// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include "core/api/frame_view.h"

namespace liveedit::elements {

// The formats that view_frame() takes, for a pad template.
#define LIVEEDIT_VIDEO_FORMATS "{ RGB, RGBx, BGRx, RGBA, BGRA, NV12, I420 }"

// A picture, mapped for as long as the object lives, which is no longer than the buffer.
class MappedFrame {
 public:
  // Where the picture lies in the memory of GPU `cuda_device` (cuda_memory.h), view() points there; all others are
  // mapped to system memory, copied there if need be.
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags, int cuda_device = -1);
  ~MappedFrame();
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;

  bool ok() const { return mapped_; }  // false: the buffer is smaller than its caps say, or cannot be mapped
  const GstVideoFrame& frame() const { return frame_; }
  GstVideoFrame* frame() { return &frame_; }
  bool on_gpu() const { return cuda_device_ >= 0; }  // nothing but the core may follow the pointers of frame() then

  // Precondition: ok(), and a format of LIVEEDIT_VIDEO_FORMATS or GRAY8.
  FrameView view() const;

 private:
  GstVideoFrame frame_{};
  int cuda_device_ = -1;
  bool mapped_ = false;
};

// Copies a picture from one buffer to another of the same caps, wherever they lie. false: one cannot be mapped.
bool copy_picture(const GstVideoInfo& info, GstBuffer* from, GstBuffer* to);

}  // namespace liveedit::elements
