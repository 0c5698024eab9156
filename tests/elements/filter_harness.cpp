// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/filter_harness.h"

#include <gtest/gtest.h>

namespace liveedit::testing {

FilterHarness::FilterHarness(const std::string& properties, const std::string& caps, const std::string& element)
    : ElementHarness(element + " " + properties) {
  set_caps(caps);
}

void FilterHarness::set_caps(const std::string& caps) {
  GstCaps* parsed = gst_caps_from_string(caps.c_str());
  ASSERT_TRUE(gst_video_info_from_caps(&info_, parsed)) << caps;
  gst_harness_set_src_caps(video(), parsed);
}

GstClockTime pts_of_frame(int index) {
  return gst_util_uint64_scale_int(GST_SECOND, index, 25);
}

GstBuffer* FilterHarness::frame(int index, std::uint8_t value) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr);
  gst_buffer_memset(buffer, 0, value, GST_VIDEO_INFO_SIZE(&info_));
  GST_BUFFER_PTS(buffer) = pts_of_frame(index);
  GST_BUFFER_DURATION(buffer) = GST_SECOND / 25;
  return buffer;
}

std::vector<BufferPtr> FilterHarness::take_all() {
  std::vector<BufferPtr> all;
  while (BufferPtr buffer = take()) all.push_back(std::move(buffer));
  return all;
}

std::uint8_t first_byte(GstBuffer* buffer) {
  std::uint8_t byte = 0;
  gst_buffer_extract(buffer, 0, &byte, 1);
  return byte;
}

std::vector<std::uint8_t> bytes_of(GstBuffer* buffer) {
  std::vector<std::uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace liveedit::testing
