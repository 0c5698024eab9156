// SPDX-License-Identifier: LGPL-2.1-or-later
// Without the core: LIVEEDIT_CORE_PATH points nowhere, and yet there is an element.
#include <gtest/gtest.h>

#include "tests/elements/element_harness.h"

namespace liveedit::testing {
namespace {

TEST(NoCore, OneErrorSaysWhatIsMissingAndWhereItWasLookedFor_n) {
  ElementOnBus filter("diffusionfilter");
  EXPECT_EQ(gst_element_set_state(filter.element(), GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].domain, GST_LIBRARY_ERROR);
  EXPECT_EQ(errors[0].code, GST_LIBRARY_ERROR_INIT);
  for (const char* told : {"libliveedit-core.so", "/nowhere", "LIVEEDIT_CORE_PATH"})
    EXPECT_NE(errors[0].text.find(told), std::string::npos) << errors[0].text;
}

TEST(NoCore, PropertiesCanBeReadAndSet) {
  ElementOnBus filter("diffusionfilter");
  g_object_set(filter.element(), "prompt", "ink", "strength", 0.5, nullptr);
  gchar* prompt = nullptr;
  g_object_get(filter.element(), "prompt", &prompt, nullptr);
  EXPECT_STREQ(prompt, "ink");
  g_free(prompt);
  EXPECT_TRUE(stats_of(filter.element()));
}

}  // namespace
}  // namespace liveedit::testing
