// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gst/video/video.h>

#include "tests/elements/element_harness.h"

namespace liveedit::testing {

struct BufferRelease {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, BufferRelease>;

// A filter of video between two harness pads, PLAYING from the start.
class FilterHarness : public ElementHarness {
 public:
  // `properties` as on a gst-launch line.
  explicit FilterHarness(const std::string& properties,
                         const std::string& caps = "video/x-raw,format=RGB,width=16,height=8,framerate=25/1",
                         const std::string& element = "diffusionfilter");

  GstHarness* video() { return harness(); }

  void set_caps(const std::string& caps);

  // A frame of these caps whose bytes are all `value`; PTS is index / 25 s.
  GstBuffer* frame(int index, std::uint8_t value = 40);
  GstFlowReturn push(int index, std::uint8_t value = 40) { return gst_harness_push(video(), frame(index, value)); }

  // The next frame that has left; nullptr if there is none.
  BufferPtr take() { return BufferPtr(gst_harness_try_pull(video())); }
  std::vector<BufferPtr> take_all();
  // The next frame, waiting for it; nullptr if none comes for a minute.
  BufferPtr wait_frame() { return BufferPtr(gst_harness_pull(video())); }

 private:
  GstVideoInfo info_{};
};

std::uint8_t first_byte(GstBuffer* buffer);
std::vector<std::uint8_t> bytes_of(GstBuffer* buffer);
GstClockTime pts_of_frame(int index);

}  // namespace liveedit::testing
