// SPDX-License-Identifier: LGPL-2.1-or-later
// How prompts and other live parameters reach the frames.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gtest/gtest.h>

#include "tests/elements/core_double/text_mark.h"
#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

std::vector<std::uint8_t> marks(const std::vector<BufferPtr>& frames) {
  std::vector<std::uint8_t> found;
  for (const BufferPtr& frame : frames) found.push_back(first_byte(frame.get()));
  return found;
}

GstEvent* prompt_event(GstEventType type, const char* prompt) {
  return gst_event_new_custom(
      type, gst_structure_new("application/x-liveedit-prompt", "prompt", G_TYPE_STRING, prompt, nullptr));
}

TEST(Prompt, PropertyIsSeenWithinTwoFrames) {
  FilterHarness filter("prompt=a");
  for (int i = 0; i < 3; ++i) filter.push(i);
  g_object_set(filter.element(), "prompt", "b", nullptr);
  for (int i = 3; i < 5; ++i) filter.push(i);
  const std::vector<std::uint8_t> found = marks(filter.take_all());
  EXPECT_EQ(found[2], text_mark("a"));
  EXPECT_EQ(found[4], text_mark("b"));
}

// The text takes two seconds; 20 frames leave with the old one meanwhile.
TEST(Prompt, AChangeDoesNotStallTheStream) {
  FilterHarness filter("prompt=a model=encode-ms=2000");
  filter.push(0);
  g_object_set(filter.element(), "prompt", "b", nullptr);
  for (int i = 1; i < 21; ++i) filter.push(i);
  const std::vector<std::uint8_t> found = marks(filter.take_all());
  EXPECT_EQ(found, std::vector<std::uint8_t>(21, text_mark("a")));
}

TEST(Prompt, SerializedEventTakesEffectAtItsFrame) {
  FilterHarness filter("prompt=a model=encode-ms=50 t-index-list=1,2");
  for (int i = 0; i < 3; ++i) filter.push(i);
  EXPECT_TRUE(gst_harness_push_event(filter.video(), prompt_event(GST_EVENT_CUSTOM_DOWNSTREAM, "b")));
  for (int i = 3; i < 6; ++i) filter.push(i);
  filter.eos();
  const auto a = text_mark("a"), b = text_mark("b");
  EXPECT_EQ(marks(filter.take_all()), (std::vector<std::uint8_t>{a, a, a, b, b, b}));
}

TEST(Prompt, OutOfBandEventSetsThePropertyNow) {
  FilterHarness filter("prompt=a");
  EXPECT_TRUE(gst_harness_push_event(filter.video(), prompt_event(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, "b")));
  gchar* prompt = nullptr;
  g_object_get(filter.element(), "prompt", &prompt, nullptr);
  EXPECT_STREQ(prompt, "b");
  g_free(prompt);
}

TEST(Prompt, EventCarriesEveryLiveParameterAndConvertsNumbers) {
  FilterHarness filter("");
  GstStructure* fields = gst_structure_new("application/x-liveedit-prompt", "negative-prompt", G_TYPE_STRING, "blur",
                                           "strength", G_TYPE_DOUBLE, 0.25, "num-inference-steps", G_TYPE_INT, 4,
                                           "seed", G_TYPE_INT, 9, "cfg-type", G_TYPE_STRING, "self", "guidance-scale",
                                           G_TYPE_DOUBLE, 1e9, "model", G_TYPE_STRING, "no", nullptr);
  gst_harness_push_event(filter.video(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, fields));
  gchar *negative = nullptr, *model = nullptr;
  gfloat strength = 0, guidance = 0;
  gint steps = 0, cfg_type = 0;
  gint64 seed = 0;
  g_object_get(filter.element(), "negative-prompt", &negative, "strength", &strength, "num-inference-steps", &steps,
               "seed", &seed, "cfg-type", &cfg_type, "guidance-scale", &guidance, "model", &model, nullptr);
  EXPECT_STREQ(negative, "blur");
  EXPECT_EQ(strength, 0.25f);
  EXPECT_EQ(steps, 4);
  EXPECT_EQ(seed, 9);
  EXPECT_EQ(cfg_type, 2);
  EXPECT_EQ(guidance, 100) << "out of range: the nearest";
  EXPECT_STREQ(model, "") << "cannot change while the stream runs";
  g_free(negative);
  g_free(model);
}

TEST(Prompt, EventOfAnUnusableTypeChangesNothing_n) {
  FilterHarness filter("strength=0.5");
  GstStructure* fields = gst_structure_new("application/x-liveedit-prompt", "strength", G_TYPE_STRING, "much", "prompt",
                                           GST_TYPE_FRACTION, 1, 2, nullptr);
  EXPECT_TRUE(gst_harness_push_event(filter.video(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, fields)));
  gfloat strength = 0;
  g_object_get(filter.element(), "strength", &strength, nullptr);
  EXPECT_EQ(strength, 0.5f);
}

TEST(Prompt, EachNewPromptIsToldOnceWithItsTime) {
  FilterHarness filter("prompt=a");
  for (int i = 0; i < 3; ++i) filter.push(i);
  g_object_set(filter.element(), "prompt", "b", nullptr);
  for (int i = 3; i < 6; ++i) filter.push(i);
  std::vector<std::pair<std::string, GstClockTime>> told;
  for (const MessagePtr& message : filter.messages(GST_MESSAGE_ELEMENT)) {
    const GstStructure* fields = gst_message_get_structure(message.get());
    ASSERT_STREQ(gst_structure_get_name(fields), "prompt");
    GstClockTime time = 0;
    gst_structure_get_clock_time(fields, "stream-time", &time);
    told.emplace_back(gst_structure_get_string(fields, "text"), time);
  }
  EXPECT_EQ(told, (std::vector<std::pair<std::string, GstClockTime>>{{"a", pts_of_frame(0)}, {"b", pts_of_frame(3)}}));
  EXPECT_STREQ(gst_structure_get_string(stats_of(filter.element()).get(), "prompt"), "b");
}

TEST(Prompt, StrengthCanBeAnimated) {
  FilterHarness filter("");
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), pts_of_frame(10), 1);
  gst_object_add_control_binding(GST_OBJECT(filter.element()), gst_direct_control_binding_new_absolute(
                                                                   GST_OBJECT(filter.element()), "strength", source));
  gst_object_unref(source);
  filter.push(5);
  gfloat strength = 0;
  g_object_get(filter.element(), "strength", &strength, nullptr);
  EXPECT_FLOAT_EQ(strength, 0.5f);
}

TEST(Prompt, ASeedOfMinusOneIsDrawnAtStartAndStays) {
  FilterHarness filter("seed=-1");
  filter.push(0);
  gint64 first = -1, second = -1;
  gst_structure_get_int64(stats_of(filter.element()).get(), "seed", &first);
  filter.push(1);
  gst_structure_get_int64(stats_of(filter.element()).get(), "seed", &second);
  EXPECT_GE(first, 0);
  EXPECT_EQ(first, second);
}

TEST(Prompt, PresetsKeepALook) {
  FilterHarness filter("prompt=a");
  ASSERT_TRUE(GST_IS_PRESET(filter.element()));
  gchar** names = gst_preset_get_property_names(GST_PRESET(filter.element()));
  EXPECT_TRUE(g_strv_contains(names, "prompt"));
  EXPECT_TRUE(g_strv_contains(names, "strength"));
  g_strfreev(names);
}

}  // namespace
}  // namespace liveedit::testing
