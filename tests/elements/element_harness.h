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

// An element with a bus of its own between two harness pads, PLAYING from the start.
class ElementHarness {
 public:
  // `line` as for gst-launch: the element and its properties.
  explicit ElementHarness(const std::string& line);
  ~ElementHarness() { close(); }
  ElementHarness(const ElementHarness&) = delete;
  ElementHarness& operator=(const ElementHarness&) = delete;

  GstHarness* harness() { return harness_; }
  GstElement* element() { return element_; }

  bool push_event(GstEvent* event) { return gst_harness_push_event(harness_, event); }
  bool eos() { return push_event(gst_event_new_eos()); }

  using Wanted = std::function<bool(GstMessage*)>;
  // The messages of this kind that have come and were not taken before.
  std::vector<MessagePtr> messages(const Wanted& wanted);
  std::vector<MessagePtr> messages(GstMessageType types);
  // The next of them; nullptr if none comes for 20 s.
  MessagePtr wait_for(const Wanted& wanted);
  MessagePtr wait_for(GstMessageType types);
  // The same for errors or warnings.
  std::vector<Complaint> complaints(GstMessageType type);

 protected:
  // Ends the element. Called first by the destructor of who is called back by it.
  void close();

 private:
  void collect();

  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
  GstHarness* harness_ = nullptr;
  std::vector<MessagePtr> taken_;  // from the bus, not given out yet
};

}  // namespace liveedit::testing
