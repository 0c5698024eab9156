// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/jpeg_encoder.h"

#include <turbojpeg.h>

#include "streaming/base/error.h"

namespace liveedit::streaming {
namespace {

// TurboJPEG's name of a layout, or TJPF_UNKNOWN.
int pixel_format(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_RGB:
      return TJPF_RGB;
    case GST_VIDEO_FORMAT_BGR:
      return TJPF_BGR;
    case GST_VIDEO_FORMAT_RGBx:
    case GST_VIDEO_FORMAT_RGBA:
      return TJPF_RGBX;
    case GST_VIDEO_FORMAT_BGRx:
    case GST_VIDEO_FORMAT_BGRA:
      return TJPF_BGRX;
    case GST_VIDEO_FORMAT_xRGB:
    case GST_VIDEO_FORMAT_ARGB:
      return TJPF_XRGB;
    case GST_VIDEO_FORMAT_xBGR:
    case GST_VIDEO_FORMAT_ABGR:
      return TJPF_XBGR;
    case GST_VIDEO_FORMAT_GRAY8:
      return TJPF_GRAY;
    default:
      return TJPF_UNKNOWN;
  }
}

class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer) {
    if (!gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READ))
      throw Error(ErrorKind::kUnavailable, "A picture could not be read.");
  }
  ~MappedFrame() { gst_video_frame_unmap(&frame_); }
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;
  GstVideoFrame* get() { return &frame_; }

 private:
  GstVideoFrame frame_;
};

}  // namespace

JpegEncoder::JpegEncoder() : turbo_(tjInitCompress()) {
  if (!turbo_) throw Error(ErrorKind::kUnavailable, "libjpeg-turbo has no memory for an encoder.");
}

JpegEncoder::~JpegEncoder() {
  tjDestroy(turbo_);
}

void JpegEncoder::convert(GstVideoFrame* frame) {
  if (!converter_ || !gst_video_info_is_equal(&from_, &frame->info)) {
    from_ = frame->info;
    gst_video_info_set_format(&to_, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_INFO_WIDTH(&from_), GST_VIDEO_INFO_HEIGHT(&from_));
    // The converter wants everything about time to agree.
    to_.interlace_mode = from_.interlace_mode;
    to_.fps_n = from_.fps_n;
    to_.fps_d = from_.fps_d;
    converter_.reset(gst_video_converter_new(&from_, &to_, nullptr));
    if (!converter_) throw Error(ErrorKind::kUnavailable, "Pictures of this format cannot be converted.");
    converted_.resize(GST_VIDEO_INFO_SIZE(&to_));
  }
  GstBuffer* buffer = gst_buffer_new_wrapped_full(static_cast<GstMemoryFlags>(0), converted_.data(), converted_.size(),
                                                  0, converted_.size(), nullptr, nullptr);
  GstVideoFrame target;
  if (gst_video_frame_map(&target, &to_, buffer, GST_MAP_WRITE)) {
    gst_video_converter_frame(converter_.get(), frame, &target);
    gst_video_frame_unmap(&target);
  }
  gst_buffer_unref(buffer);
}

std::string JpegEncoder::encode(GstSample* sample, int quality) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)))
    throw Error(ErrorKind::kSettings, "The caps are no video.");
  MappedFrame frame(info, gst_sample_get_buffer(sample));
  int format = pixel_format(GST_VIDEO_INFO_FORMAT(&info));
  const auto* pixels = static_cast<const unsigned char*>(GST_VIDEO_FRAME_PLANE_DATA(frame.get(), 0));
  int stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame.get(), 0);
  if (format == TJPF_UNKNOWN) {
    convert(frame.get());
    format = TJPF_BGRX;
    pixels = reinterpret_cast<const unsigned char*>(converted_.data());
    stride = GST_VIDEO_INFO_PLANE_STRIDE(&to_, 0);
  }
  const int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
  const int sampling = format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_420;
  std::string jpeg(tjBufSize(width, height, sampling), '\0');
  auto* to = reinterpret_cast<unsigned char*>(jpeg.data());
  unsigned long size = jpeg.size();
  if (tjCompress2(turbo_, pixels, width, stride, height, format, &to, &size, sampling, quality,
                  TJFLAG_NOREALLOC | TJFLAG_FASTDCT) != 0)
    throw Error(ErrorKind::kSettings,
                std::string("A picture could not be made a JPEG: ") + tjGetErrorStr2(turbo_) + ".");
  jpeg.resize(size);
  return jpeg;
}

}  // namespace liveedit::streaming
