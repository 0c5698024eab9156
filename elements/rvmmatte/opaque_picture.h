// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/video/video.h>

namespace liveedit::elements {

// Writes frames as if nothing were to be cut out of them: the picture with an opaque alpha, or, in GRAY8, a white
// matte. One thread at a time.
class OpaquePicture {
 public:
  // Pictures of `from` shall become pictures of the same size in `to`.
  void set_formats(const GstVideoInfo& from, const GstVideoInfo& to);

  // Both frames are mapped to system memory.
  void write(const GstVideoFrame& from, GstVideoFrame* to);

 private:
  struct ConverterFree {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
  };

  GstVideoInfo from_{};
  GstVideoInfo to_{};
  std::unique_ptr<GstVideoConverter, ConverterFree> converter_;  // made at the first frame that needs it
};

}  // namespace liveedit::elements
