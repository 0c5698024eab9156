// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/check/gstharness.h>
#include <gst/gst.h>

namespace liveedit::testing {

struct MessageUnref {
  void operator()(GstMessage* message) const { gst_message_unref(message); }
};
using MessagePtr = std::unique_ptr<GstMessage, MessageUnref>;

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

// The element's stats property.
StructurePtr stats_of(GstElement* element);
std::uint64_t stat(GstElement* element, const char* name);

// Memory of this process that lies in RAM.
std::size_t resident_bytes();

// What a GST_MESSAGE_ERROR or GST_MESSAGE_WARNING says.
struct Complaint {
  GQuark domain = 0;
  int code = 0;
  std::string text;
};

// A pipeline of `line`, as for gst-launch, does not start, and one error says why.
void expect_no_start(const char* line);

Complaint complaint_of(GstMessage* message);

// An element in NULL with a bus of its own, in no pipeline.
class ElementOnBus {
 public:
  // `line` as for gst-launch: the element and its properties.
  explicit ElementOnBus(const std::string& line);
  ~ElementOnBus();
  ElementOnBus(const ElementOnBus&) = delete;
  ElementOnBus& operator=(const ElementOnBus&) = delete;

  GstElement* element() { return element_; }

  using Wanted = std::function<bool(GstMessage*)>;
  // The messages of this kind that have come and were not taken before.
  std::vector<MessagePtr> messages(const Wanted& wanted);
  std::vector<MessagePtr> messages(GstMessageType types);
  // The next of them; nullptr if none comes for 20 s.
  MessagePtr wait_for(const Wanted& wanted);
  MessagePtr wait_for(GstMessageType types);
  // The same as messages() for errors or warnings.
  std::vector<Complaint> complaints(GstMessageType type);

 private:
  void collect();

  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
  std::vector<MessagePtr> taken_;  // from the bus, not given out yet
};

// The one error of an element that cannot load `model`.
Complaint load_error(const char* element, const std::string& model);

// An element on a bus between two harness pads, PLAYING from the start.
class ElementHarness : public ElementOnBus {
 public:
  explicit ElementHarness(const std::string& line);
  ~ElementHarness() { close(); }

  GstHarness* harness() { return harness_; }

  bool push_event(GstEvent* event) { return gst_harness_push_event(harness_, event); }
  bool eos() { return push_event(gst_event_new_eos()); }
  // A segment of time whose `start` is at `time` in the stream.
  void start_segment(GstClockTime start = 0, GstClockTime time = 0);
  // A flush, and the segment that follows it.
  void flush();

 protected:
  // Ends the harness and the element. Called first by the destructor of who is called back by them.
  void close();

 private:
  GstHarness* harness_ = nullptr;
};

}  // namespace liveedit::testing
