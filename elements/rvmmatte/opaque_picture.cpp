// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/opaque_picture.h"

#include <cstring>

namespace liveedit::elements {
namespace {

void fill_plane(GstVideoFrame* frame, std::uint8_t value) {
  auto* row = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0));
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(frame); ++y) {
    std::memset(row, value, GST_VIDEO_FRAME_WIDTH(frame));
    row += GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
  }
}

void make_alpha_opaque(GstVideoFrame* frame) {
  auto* row = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0));
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(frame); ++y) {
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(frame); ++x) row[4 * x + 3] = 255;
    row += GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
  }
}

}  // namespace

void OpaquePicture::set_formats(const GstVideoInfo& from, const GstVideoInfo& to) {
  from_ = from;
  to_ = to;
  converter_.reset();
}

void OpaquePicture::write(const GstVideoFrame& from, GstVideoFrame* to) {
  if (GST_VIDEO_INFO_FORMAT(&to_) == GST_VIDEO_FORMAT_GRAY8) return fill_plane(to, 255);
  if (GST_VIDEO_INFO_FORMAT(&to_) == GST_VIDEO_INFO_FORMAT(&from_)) {
    gst_video_frame_copy(to, &from);
  } else {
    if (!converter_) converter_.reset(gst_video_converter_new(&from_, &to_, nullptr));
    gst_video_converter_frame(converter_.get(), &from, to);
  }
  if (GST_VIDEO_INFO_HAS_ALPHA(&to_)) make_alpha_opaque(to);
}

}  // namespace liveedit::elements
