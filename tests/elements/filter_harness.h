// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gst/video/video.h>

namespace liveedit::testing {

struct MessageUnref {
  void operator()(GstMessage* message) const { gst_message_unref(message); }
};
using MessagePtr = std::unique_ptr<GstMessage, MessageUnref>;

struct BufferRelease {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, BufferRelease>;

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

// The element's stats property.
StructurePtr stats_of(GstElement* element);
std::uint64_t stat(GstElement* element, const char* name);

// What a GST_MESSAGE_ERROR or GST_MESSAGE_WARNING says.
struct Complaint {
  GQuark domain = 0;
  int code = 0;
  std::string text;
};

// A filter with a bus of its own between two harness pads, PLAYING from the start.
class FilterHarness {
 public:
  // `properties` as on a gst-launch line.
  explicit FilterHarness(const std::string& properties,
                         const std::string& caps = "video/x-raw,format=RGB,width=16,height=8,framerate=25/1",
                         const std::string& element = "diffusionfilter");
  ~FilterHarness();
  FilterHarness(const FilterHarness&) = delete;
  FilterHarness& operator=(const FilterHarness&) = delete;

  GstHarness* video() { return harness_; }
  GstElement* element() { return element_; }

  void set_caps(const std::string& caps);

  // A frame of these caps whose bytes are all `value`; PTS is index / 25 s.
  GstBuffer* frame(int index, std::uint8_t value = 40);
  GstFlowReturn push(int index, std::uint8_t value = 40) { return gst_harness_push(harness_, frame(index, value)); }

  // The next frame that has left; nullptr if there is none.
  BufferPtr take() { return BufferPtr(gst_harness_try_pull(harness_)); }
  std::vector<BufferPtr> take_all();
  // The next frame, waiting for it; nullptr if none comes for a minute.
  BufferPtr wait_frame() { return BufferPtr(gst_harness_pull(harness_)); }
  bool eos() { return gst_harness_push_event(harness_, gst_event_new_eos()); }

  // The messages of these types that have come and were not taken before.
  std::vector<MessagePtr> messages(GstMessageType types);
  // The next of them; nullptr if none comes for 20 s.
  MessagePtr wait_for(GstMessageType types);
  // The same for errors or warnings.
  std::vector<Complaint> complaints(GstMessageType type);

 private:
  void collect_messages();

  std::vector<MessagePtr> taken_;  // from the bus, not given out yet
  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
  GstHarness* harness_ = nullptr;
  GstVideoInfo info_{};
};

std::uint8_t first_byte(GstBuffer* buffer);
std::vector<std::uint8_t> bytes_of(GstBuffer* buffer);
GstClockTime pts_of_frame(int index);

}  // namespace liveedit::testing
