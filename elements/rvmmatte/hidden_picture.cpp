// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/hidden_picture.h"

#include <cstring>
#include <memory>
#include <vector>

namespace liveedit::elements {
namespace {

// Of packed pixels of four bytes, or one.
template <typename Write>
void each_row(GstVideoFrame* frame, Write&& write) {
  auto* row = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0));
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(frame); ++y) {
    write(row);
    row += GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
  }
}

// GStreamer knows how to bring one colour into any format.
void fill_with_colour(std::uint32_t argb, GstVideoFrame* to) {
  const int width = GST_VIDEO_FRAME_WIDTH(to);
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_ARGB, width, GST_VIDEO_FRAME_HEIGHT(to));
  info.fps_n = to->info.fps_n;  // the converter wants them equal
  info.fps_d = to->info.fps_d;
  info.interlace_mode = to->info.interlace_mode;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame from;
  if (gst_video_frame_map(&from, &info, buffer, GST_MAP_WRITE)) {
    each_row(&from, [&](std::uint8_t* row) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 4; ++c) row[4 * x + c] = static_cast<std::uint8_t>(argb >> (24 - 8 * c));
      }
    });
    GstVideoConverter* converter = gst_video_converter_new(&info, &to->info, nullptr);
    gst_video_converter_frame(converter, &from, to);
    gst_video_converter_free(converter);
    gst_video_frame_unmap(&from);
  }
  gst_buffer_unref(buffer);
}

}  // namespace

void write_hidden(MatteOutput output, std::uint32_t background_color, GstVideoFrame* to) {
  const auto width = static_cast<std::size_t>(GST_VIDEO_FRAME_WIDTH(to));
  switch (output) {
    case MatteOutput::kRgba:
      return each_row(to, [&](std::uint8_t* row) {
        for (std::size_t x = 0; x < width; ++x) row[4 * x + 3] = 0;
      });
    case MatteOutput::kCutout:
      return each_row(to, [&](std::uint8_t* row) { std::memset(row, 0, 4 * width); });
    case MatteOutput::kMatte:
      return each_row(to, [&](std::uint8_t* row) { std::memset(row, 0, width); });
    case MatteOutput::kComposite:
      return fill_with_colour(background_color, to);
  }
}

}  // namespace liveedit::elements
