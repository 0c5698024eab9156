// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/video_frame_view.h"

#include "elements/base/cuda_memory.h"

namespace liveedit::elements {
namespace {

PixelFormat pixel_format(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_RGBx:
      return PixelFormat::kRgbx;
    case GST_VIDEO_FORMAT_BGRx:
      return PixelFormat::kBgrx;
    case GST_VIDEO_FORMAT_RGBA:
      return PixelFormat::kRgba;
    case GST_VIDEO_FORMAT_BGRA:
      return PixelFormat::kBgra;
    case GST_VIDEO_FORMAT_NV12:
      return PixelFormat::kNv12;
    case GST_VIDEO_FORMAT_I420:
      return PixelFormat::kI420;
    case GST_VIDEO_FORMAT_GRAY8:
      return PixelFormat::kGray8;
    default:
      return PixelFormat::kRgb;
  }
}

// FCC is BT.601 and SMPTE 240M is BT.709 to within a code value or two. Caps without a colorimetry have GStreamer's
// default by then.
YuvMatrix yuv_matrix(GstVideoColorMatrix matrix) {
  switch (matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return YuvMatrix::kBt709;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return YuvMatrix::kBt2020;
    default:
      return YuvMatrix::kBt601;
  }
}

}  // namespace

MappedFrame::MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags, int cuda_device)
    : cuda_device_(lies_on_gpu(buffer, cuda_device) ? cuda_device : -1) {
  const int place = on_gpu() ? kMapCuda : 0;
  mapped_ = gst_video_frame_map(&frame_, &info, buffer,
                                static_cast<GstMapFlags>(flags | place | int{GST_VIDEO_FRAME_MAP_FLAG_NO_REF}));
}

MappedFrame::~MappedFrame() {
  if (mapped_) gst_video_frame_unmap(&frame_);
}

FrameView MappedFrame::view() const {
  const GstVideoInfo& info = frame_.info;
  FrameView view;
  view.format = pixel_format(GST_VIDEO_INFO_FORMAT(&info));
  view.width = GST_VIDEO_INFO_WIDTH(&info);
  view.height = GST_VIDEO_INFO_HEIGHT(&info);
  for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info) && plane < view.planes.size(); ++plane) {
    view.planes[plane] = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane));
    view.strides[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane);
  }
  view.matrix = yuv_matrix(info.colorimetry.matrix);
  view.full_range = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  if (on_gpu()) {
    view.memory = MemoryKind::kCuda;
    view.cuda_device = cuda_device_;
  }
  return view;
}

bool copy_picture(const GstVideoInfo& info, GstBuffer* from, GstBuffer* to) {
  MappedFrame source(info, from, GST_MAP_READ);
  MappedFrame target(info, to, GST_MAP_WRITE);
  return source.ok() && target.ok() && gst_video_frame_copy(target.frame(), source.frame());
}

}  // namespace liveedit::elements
