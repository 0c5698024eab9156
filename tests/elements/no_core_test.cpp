// SPDX-License-Identifier: LGPL-2.1-or-later
// Without the core: LIVEEDIT_CORE_PATH points nowhere.
#include <cstring>

#include <gtest/gtest.h>

#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

class NoCore : public ::testing::Test {
 protected:
  void SetUp() override {
    element_ = gst_element_factory_make("diffusionfilter", nullptr);
    ASSERT_TRUE(element_) << "the element exists without a core";
    gst_object_ref_sink(element_);
    bus_ = gst_bus_new();
    gst_element_set_bus(element_, bus_);
  }

  void TearDown() override {
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }

  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
};

TEST_F(NoCore, OneErrorSaysWhatIsMissingAndWhereItWasLookedFor_n) {
  EXPECT_EQ(gst_element_set_state(element_, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR);
  ASSERT_TRUE(message);
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  EXPECT_TRUE(g_error_matches(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT));
  EXPECT_TRUE(strstr(error->message, "libliveedit-core.so")) << error->message;
  EXPECT_TRUE(strstr(error->message, "/nowhere")) << error->message;
  EXPECT_TRUE(strstr(error->message, "LIVEEDIT_CORE_PATH")) << error->message;
  g_error_free(error);
  gst_message_unref(message);
  EXPECT_FALSE(gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR)) << "one error only";
}

TEST_F(NoCore, PropertiesCanBeReadAndSet) {
  g_object_set(element_, "prompt", "ink", "strength", 0.5, nullptr);
  gchar* prompt = nullptr;
  g_object_get(element_, "prompt", &prompt, nullptr);
  EXPECT_STREQ(prompt, "ink");
  g_free(prompt);
  EXPECT_TRUE(stats_of(element_));
}

}  // namespace
}  // namespace liveedit::testing
