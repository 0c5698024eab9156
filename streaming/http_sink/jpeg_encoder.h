// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>
#include <gst/video/video.h>

namespace liveedit::streaming {

// Pictures of any raw format as JPEG (libjpeg-turbo, 4:2:0). For one thread at a time.
class JpegEncoder {
 public:
  JpegEncoder();
  ~JpegEncoder();
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;

  // `quality`: 1 to 100. Throws Error where the picture cannot be read or encoded.
  std::string encode(GstSample* sample, int quality);

 private:
  struct ConverterFree {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
  };

  // The frame in a layout that TurboJPEG reads: RGB goes as it is, YUV is converted (JPEG wants the full range of
  // values).
  void convert(GstVideoFrame* frame);

  void* const turbo_;
  GstVideoInfo from_{}, to_{};
  std::unique_ptr<GstVideoConverter, ConverterFree> converter_;
  std::string converted_;
};

}  // namespace liveedit::streaming
