// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/element_harness.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

// Starts GStreamer, ends it, and fails the run where the leaks tracer found something alive then.
class GStreamer : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }

  void TearDown() override {
    static bool leaks;
    leaks = false;
    g_log_set_default_handler(
        [](const gchar* domain, GLogLevelFlags level, const gchar* text, gpointer) {
          if (text && std::string(text).find("Leaks detected") != std::string::npos) leaks = true;
          g_log_default_handler(domain, level, text, nullptr);
        },
        nullptr);
    gst_deinit();
    EXPECT_FALSE(leaks) << "objects are still alive; run with GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 to see them";
  }
};

const ::testing::Environment* const environment = ::testing::AddGlobalTestEnvironment(new GStreamer);

ElementOnBus::Wanted of_types(GstMessageType types) {
  return [types](GstMessage* message) { return (GST_MESSAGE_TYPE(message) & types) != 0; };
}

}  // namespace

StructurePtr stats_of(GstElement* element) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  return StructurePtr(stats);
}

std::uint64_t stat(GstElement* element, const char* name) {
  guint64 value = 0;
  EXPECT_TRUE(gst_structure_get_uint64(stats_of(element).get(), name, &value)) << name;
  return value;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

Complaint complaint_of(GstMessage* message) {
  GError* error = nullptr;
  const bool fatal = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  (fatal ? gst_message_parse_error : gst_message_parse_warning)(message, &error, nullptr);
  Complaint complaint{error->domain, error->code, error->message};
  g_error_free(error);
  return complaint;
}

void expect_no_start(const char* line) {
  GstElement* pipeline = gst_parse_launch(line, nullptr);
  GstBus* bus = gst_element_get_bus(pipeline);
  EXPECT_EQ(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(MessagePtr(gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)));
  EXPECT_FALSE(MessagePtr(gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)));
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

ElementOnBus::ElementOnBus(const std::string& line) {
  GError* error = nullptr;
  element_ = gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!element_) {
    ADD_FAILURE() << error->message;
    g_clear_error(&error);
    std::abort();
  }
  gst_object_ref_sink(element_);
  bus_ = gst_bus_new();
  gst_element_set_bus(element_, bus_);
}

ElementOnBus::~ElementOnBus() {
  gst_element_set_state(element_, GST_STATE_NULL);
  gst_element_set_bus(element_, nullptr);
  gst_bus_set_flushing(bus_, TRUE);
  gst_object_unref(bus_);
  gst_object_unref(element_);
}

void ElementOnBus::collect() {
  while (GstMessage* message = gst_bus_pop(bus_)) taken_.emplace_back(message);
}

std::vector<MessagePtr> ElementOnBus::messages(const Wanted& wanted) {
  collect();
  std::vector<MessagePtr> found;
  std::vector<MessagePtr> others;
  for (MessagePtr& message : taken_) (wanted(message.get()) ? found : others).push_back(std::move(message));
  taken_ = std::move(others);
  return found;
}

std::vector<MessagePtr> ElementOnBus::messages(GstMessageType types) {
  return messages(of_types(types));
}

MessagePtr ElementOnBus::wait_for(const Wanted& wanted) {
  const gint64 end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
  while (true) {
    collect();
    const auto at =
        std::find_if(taken_.begin(), taken_.end(), [&](const MessagePtr& message) { return wanted(message.get()); });
    if (at != taken_.end()) {
      MessagePtr found = std::move(*at);
      taken_.erase(at);
      return found;
    }
    if (g_get_monotonic_time() > end) return nullptr;
    if (GstMessage* message = gst_bus_timed_pop(bus_, 100 * GST_MSECOND)) taken_.emplace_back(message);
  }
}

MessagePtr ElementOnBus::wait_for(GstMessageType types) {
  return wait_for(of_types(types));
}

std::vector<Complaint> ElementOnBus::complaints(GstMessageType type) {
  std::vector<Complaint> found;
  for (const MessagePtr& message : messages(type)) found.push_back(complaint_of(message.get()));
  return found;
}

Complaint load_error(const char* element, const std::string& model) {
  ElementOnBus alone(element);
  g_object_set(alone.element(), "model", model.c_str(), nullptr);
  gst_element_set_state(alone.element(), GST_STATE_PAUSED);
  const MessagePtr message = alone.wait_for(GST_MESSAGE_ERROR);
  gst_element_set_state(alone.element(), GST_STATE_NULL);
  EXPECT_TRUE(alone.messages(GST_MESSAGE_ERROR).empty()) << "one error only";
  return message ? complaint_of(message.get()) : Complaint();
}

ElementHarness::ElementHarness(const std::string& line)
    : ElementOnBus(line), harness_(gst_harness_new_with_element(element(), "sink", "src")) {}

void ElementHarness::start_segment(GstClockTime start, GstClockTime time) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.position = start;
  segment.time = time;
  push_event(gst_event_new_segment(&segment));
}

void ElementHarness::flush() {
  push_event(gst_event_new_flush_start());
  push_event(gst_event_new_flush_stop(TRUE));
  start_segment();
}

void ElementHarness::close() {
  if (!harness_) return;
  gst_harness_teardown(std::exchange(harness_, nullptr));
  gst_element_set_state(element(), GST_STATE_NULL);
}

}  // namespace liveedit::testing
