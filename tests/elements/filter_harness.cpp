// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/filter_harness.h"

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

FilterHarness::FilterHarness(const std::string& properties, const std::string& caps, const std::string& element) {
  GError* error = nullptr;
  element_ = gst_parse_launch_full((element + " " + properties).c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!element_) {
    ADD_FAILURE() << error->message;
    g_clear_error(&error);
    std::abort();
  }
  gst_object_ref_sink(element_);
  bus_ = gst_bus_new();
  gst_element_set_bus(element_, bus_);
  harness_ = gst_harness_new_with_element(element_, "sink", "src");
  set_caps(caps);
}

FilterHarness::~FilterHarness() {
  gst_harness_teardown(harness_);
  gst_element_set_state(element_, GST_STATE_NULL);
  gst_element_set_bus(element_, nullptr);
  gst_bus_set_flushing(bus_, TRUE);
  gst_object_unref(bus_);
  gst_object_unref(element_);
}

void FilterHarness::set_caps(const std::string& caps) {
  GstCaps* parsed = gst_caps_from_string(caps.c_str());
  ASSERT_TRUE(gst_video_info_from_caps(&info_, parsed)) << caps;
  gst_harness_set_src_caps(harness_, parsed);
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

void FilterHarness::collect_messages() {
  while (GstMessage* message = gst_bus_pop(bus_)) taken_.emplace_back(message);
}

std::vector<MessagePtr> FilterHarness::messages(GstMessageType types) {
  collect_messages();
  std::vector<MessagePtr> found;
  std::vector<MessagePtr> others;
  for (MessagePtr& message : taken_)
    (GST_MESSAGE_TYPE(message.get()) & types ? found : others).push_back(std::move(message));
  taken_ = std::move(others);
  return found;
}

MessagePtr FilterHarness::wait_for(GstMessageType types) {
  const gint64 end = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
  while (true) {
    collect_messages();
    for (auto at = taken_.begin(); at != taken_.end(); ++at) {
      if (!(GST_MESSAGE_TYPE(at->get()) & types)) continue;
      MessagePtr found = std::move(*at);
      taken_.erase(at);
      return found;
    }
    if (g_get_monotonic_time() > end) return nullptr;
    if (GstMessage* message = gst_bus_timed_pop(bus_, 100 * GST_MSECOND)) taken_.emplace_back(message);
  }
}

std::vector<Complaint> FilterHarness::complaints(GstMessageType type) {
  std::vector<Complaint> found;
  for (const MessagePtr& message : messages(type)) {
    GError* error = nullptr;
    if (type == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message.get(), &error, nullptr);
    } else {
      gst_message_parse_warning(message.get(), &error, nullptr);
    }
    found.push_back({error->domain, error->code, error->message});
    g_error_free(error);
  }
  return found;
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
