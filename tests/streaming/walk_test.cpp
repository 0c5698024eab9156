// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks over every element of the serving plugin, whatever it is: properties, states, documentation.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "tests/property_walk.h"

namespace liveedit::testing {
namespace {

class GStreamer : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
};
const ::testing::Environment* const kGStreamer = ::testing::AddGlobalTestEnvironment(new GStreamer);

std::vector<std::string> all_elements() {
  return elements_of("liveeditstreaming");
}

bool is_source(const std::string& name) {
  GstElementFactory* factory = gst_element_factory_find(name.c_str());
  const bool source = gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_SRC);
  gst_object_unref(factory);
  return source;
}

// A pipeline of the element, with a live test picture for a sink.
GstElement* pipeline_of(const std::string& name, const std::string& properties) {
  const std::string picture = "videotestsrc is-live=true ! video/x-raw,width=32,height=24,framerate=100/1 ! ";
  const std::string line = (is_source(name) ? "" : picture) + name + " name=walked " + properties;
  GstElement* parsed = gst_parse_launch(line.c_str(), nullptr);
  if (GST_IS_PIPELINE(parsed)) return parsed;
  // Of an element alone no pipeline is made.
  GstElement* pipeline = gst_pipeline_new(nullptr);
  gst_bin_add(GST_BIN(pipeline), parsed);
  return pipeline;
}

// One that takes any free port.
class Line {
 public:
  explicit Line(const std::string& name) : pipeline_(pipeline_of(name, "port=0")) {
    element_ = gst_bin_get_by_name(GST_BIN(pipeline_), "walked");
  }
  ~Line() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(element_);
    gst_object_unref(pipeline_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  GstElement* element() { return element_; }
  GstElement* pipeline() { return pipeline_; }
  void reach(GstState state) {
    gst_element_set_state(pipeline_, state);
    ASSERT_NE(gst_element_get_state(pipeline_, nullptr, nullptr, 20 * GST_SECOND), GST_STATE_CHANGE_FAILURE);
  }

 private:
  GstElement* pipeline_;
  GstElement* element_;
};

// An element by itself.
void with_each(const std::function<void(GstElement*)>& look) {
  for (const std::string& name : all_elements()) {
    GstElement* element = gst_element_factory_make(name.c_str(), name.c_str());
    ASSERT_TRUE(element) << name;
    gst_object_ref_sink(element);
    look(element);
    gst_object_unref(element);
  }
}

TEST(Walk, ThePluginHasItsElements) {
  const std::vector<std::string> names = all_elements();
  for (const char* name : {"livehttpsink", "livertspsink", "livewebrtcsink", "livewebrtcsrc"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Walk, DefaultsAreWhatANewElementHas) {
  with_each([](GstElement* element) { expect_defaults(element); });
}

TEST(Walk, EveryPropertyIsDocumented) {
  with_each(expect_documented);
}

TEST(Walk, SetAndDroppedWithoutEverRunning) {
  with_each(walk_properties);
}

TEST(Walk, SecretsCannotBeReadBack) {
  with_each([](GstElement* element) {
    for (const char* secret : {"token", "turn-servers"}) {
      GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), secret);
      if (!spec && !g_str_equal(secret, "token")) continue;
      ASSERT_TRUE(spec) << GST_OBJECT_NAME(element);
      EXPECT_FALSE(spec->flags & G_PARAM_READABLE)
          << GST_OBJECT_NAME(element) << " " << secret << ": graphs and traces show every property that can be read";
    }
  });
}

TEST(Walk, EveryPropertyInEveryState) {
  for (const std::string& name : all_elements()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_properties(line.element());
    }
  }
}

TEST(Walk, TwoHundredRandomStateChanges) {
  for (const std::string& name : all_elements()) {
    Line line(name);
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
      const auto state = static_cast<GstState>(GST_STATE_NULL + random() % 4);
      ASSERT_NE(gst_element_set_state(line.pipeline(), state), GST_STATE_CHANGE_FAILURE) << name << " " << i;
      if (random() % 2) gst_element_get_state(line.pipeline(), nullptr, nullptr, 20 * GST_SECOND);
    }
    line.reach(GST_STATE_PLAYING);
    line.reach(GST_STATE_NULL);
  }
}

TEST(Walk, RequestPadsComeAndGoInEveryState) {
  for (const std::string& name : all_elements()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_request_pads(line.element());
    }
  }
}

// What a pipeline that cannot start says: one error of the element, before the state change has failed.
std::string error_of(const std::string& name, const std::string& properties) {
  GstElement* pipeline = pipeline_of(name, properties);
  const std::string description = name + " " + properties;
  EXPECT_EQ(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE) << description;
  GstBus* bus = gst_element_get_bus(pipeline);
  std::vector<std::string> errors;
  while (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    errors.emplace_back(error->message);
    g_error_free(error);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  EXPECT_EQ(errors.size(), 1u) << description;
  return errors.empty() ? "" : errors.front();
}

TEST(Walk, SettingsThatCannotWorkAreOneError_n) {
  for (const std::string& name : all_elements()) {
    EXPECT_NE(error_of(name, "port=0 bind-address=0.0.0.0").find("token"), std::string::npos) << name;
    EXPECT_NE(error_of(name, "port=0 bind-address=nowhere").find("IP address"), std::string::npos) << name;
    EXPECT_EQ(error_of(name, "port=0 token=short").find("short"), std::string::npos) << name;
    EXPECT_NE(error_of(name, "port=0 tls-certificate=/nowhere/c.pem").find("/nowhere/c.pem"), std::string::npos)
        << name;
  }
}

TEST(Walk, APortTakenIsOneError_n) {
  for (const std::string& name : all_elements()) {
    Line first(name);
    first.reach(GST_STATE_PLAYING);
    gchar* url = nullptr;
    g_object_get(first.element(), "url", &url, nullptr);
    const std::string text = url;
    g_free(url);
    const int port = std::atoi(text.substr(text.rfind(':') + 1).c_str());
    ASSERT_GT(port, 0) << name << " " << text;
    EXPECT_NE(error_of(name, "port=" + std::to_string(port)).find(std::to_string(port)), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace liveedit::testing
