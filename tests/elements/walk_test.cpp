// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks over every element of the plugin, whatever it is: properties, states, documentation.
#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/property_walk.h"

namespace liveedit::testing {
namespace {

constexpr const char* kPlugin = "liveedit";

// The model that `element` needs to run with the real core; empty: it has one built in, or the core is a double.
std::string needed_model(const std::string& element) {
  const char* core = g_getenv("LIVEEDIT_CORE_PATH");
  if (element == "diffusionfilter" || (core && *core)) return "";
  const char* data = g_getenv("LIVEEDIT_TEST_DATA");
  return std::string(data ? data : "") +
         (element == "rvmmatte" ? "/weights/rvm_mobilenetv3.safetensors" : "/weights/whisper-tiny.en");
}

// What comes in: a picture, or a tone, which is speech to the double.
std::string source_for(const std::string& element) {
  return element == "whisperprompt" ? "audiotestsrc ! identity sleep-time=1000"
                                    : "videotestsrc ! video/x-raw,width=32,height=24,framerate=100/1";
}

// An element between a test source and a fakesink.
class Line {
 public:
  explicit Line(const std::string& name) {
    pipeline_ =
        gst_parse_launch((source_for(name) + " ! " + name + " name=walked ! fakesink sync=false").c_str(), nullptr);
    element_ = gst_bin_get_by_name(GST_BIN(pipeline_), "walked");
    if (const std::string model = needed_model(name); !model.empty())
      g_object_set(element_, "model", model.c_str(), nullptr);
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
    ASSERT_EQ(gst_element_get_state(pipeline_, nullptr, nullptr, 60 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  }

 private:
  GstElement* pipeline_;
  GstElement* element_;
};

// Those that can run here: with the real core, an element without its model cannot.
std::vector<std::string> elements_that_run() {
  std::vector<std::string> names = elements_of(kPlugin);
  std::erase_if(names, [](const std::string& name) {
    const std::string model = needed_model(name);
    const bool missing = !model.empty() && !g_file_test(model.c_str(), G_FILE_TEST_EXISTS);
    if (missing) std::printf("left out: %s, there is no %s\n", name.c_str(), model.c_str());
    return missing;
  });
  return names;
}

TEST(Walk, ThePluginHasItsElements) {
  const std::vector<std::string> names = elements_of(kPlugin);
  for (const char* name : {"diffusionfilter", "rvmmatte", "whisperprompt"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Walk, DefaultsAreWhatANewElementHas) {
  for (const std::string& name : elements_of(kPlugin)) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    ASSERT_TRUE(element);
    // QoS handling is off in the base class and on in these elements.
    expect_defaults(element, {"qos"});
    gst_object_unref(element);
  }
}

TEST(Walk, EveryPropertyIsDocumented) {
  for (const std::string& name : elements_of(kPlugin)) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    expect_documented(element);
    gst_object_unref(element);
  }
}

TEST(Walk, EveryPropertyInEveryState) {
  for (const std::string& name : elements_that_run()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_properties(line.element());
    }
  }
}

TEST(Walk, TwoHundredRandomStateChanges) {
  for (const std::string& name : elements_that_run()) {
    Line line(name);
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
      const auto state = static_cast<GstState>(GST_STATE_NULL + random() % 4);
      ASSERT_NE(gst_element_set_state(line.pipeline(), state), GST_STATE_CHANGE_FAILURE) << i;
      if (random() % 2) gst_element_get_state(line.pipeline(), nullptr, nullptr, 60 * GST_SECOND);
    }
    line.reach(GST_STATE_PLAYING);
    line.reach(GST_STATE_NULL);
  }
}

TEST(Walk, TwoHundredRandomStateChangesWhileLoading) {
  for (const std::string& name : elements_that_run()) {
    Line line(name);
    g_object_set(line.element(), "model", "load-ms=5", nullptr);
    std::mt19937 random(11);
    for (int i = 0; i < 200; ++i) {
      ASSERT_NE(gst_element_set_state(line.pipeline(), static_cast<GstState>(GST_STATE_NULL + random() % 4)),
                GST_STATE_CHANGE_FAILURE)
          << name << " " << i;
      if (random() % 4 == 0) g_usleep(random() % 8000);
    }
    line.reach(GST_STATE_PLAYING);
  }
}

TEST(Walk, RequestPadsComeAndGoInEveryState) {
  for (const std::string& name : elements_that_run()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_request_pads(line.element());
    }
  }
}

TEST(Walk, SetAndDroppedWithoutEverRunning) {
  for (const std::string& name : elements_of(kPlugin)) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    gst_object_ref_sink(element);
    walk_properties(element);
    gst_object_unref(element);
  }
}

}  // namespace
}  // namespace liveedit::testing
