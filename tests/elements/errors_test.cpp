// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes wrong ends in one clear message and never in a crash, a hang or silence.
#include <sys/wait.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/elements/core_double/text_mark.h"
#include "tests/elements/error_kinds.h"
#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

std::vector<GstProgressType> progress_of(FilterHarness& filter) {
  std::vector<GstProgressType> types;
  for (const MessagePtr& message : filter.messages(GST_MESSAGE_PROGRESS)) {
    GstProgressType type;
    gchar* code = nullptr;
    gst_message_parse_progress(message.get(), &type, &code, nullptr);
    EXPECT_STREQ(code, "load");
    g_free(code);
    if (types.empty() || types.back() != type) types.push_back(type);
  }
  return types;
}

TEST(Load, IsToldStepByStep) {
  FilterHarness filter("model=load-ms=20");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  EXPECT_EQ(progress_of(filter), (std::vector<GstProgressType>{GST_PROGRESS_TYPE_START, GST_PROGRESS_TYPE_CONTINUE,
                                                               GST_PROGRESS_TYPE_COMPLETE}));
}

TEST(Load, EachFailureIsOneErrorOfItsKind_n) {
  for (const ErrorMapping& mapping : kErrorMappings) {
    FilterHarness filter("model=load-error=" + number_of(mapping.kind));
    EXPECT_EQ(filter.push(0), GST_FLOW_ERROR);
    EXPECT_EQ(filter.push(1), GST_FLOW_ERROR);
    const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].domain, mapping.domain);
    EXPECT_EQ(errors[0].code, mapping.code);
    EXPECT_EQ(errors[0].text, "load-error as asked for.");
    EXPECT_EQ(progress_of(filter).back(), GST_PROGRESS_TYPE_ERROR);
  }
}

TEST(Load, AModelThatIsNotFoundFailsTheStateChangeWithOneError_n) {
  for (int i = 0; i < 50; ++i) expect_no_start("videotestsrc ! diffusionfilter model=find-error=0 ! fakesink");
}

// gst-launch-1.0 misses an error that comes before its main loop runs; then it would never end.
TEST(Load, GstLaunchEndsWhereTheModelCannotBeLoaded_n) {
  for (const char* model : {"find-error=0", "load-error=2"}) {
    for (int i = 0; i < 10; ++i) {
      const std::string line = std::string("videotestsrc ! diffusionfilter model=") + model + " ! fakesink";
      const int status = std::system(("gst-launch-1.0 -q " + line + " 2>/dev/null").c_str());
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << line;
    }
  }
}

TEST(Load, GoingToNullStopsItWithoutAnError_n) {
  FilterHarness filter("model=load-ms=100000");
  EXPECT_EQ(gst_element_set_state(filter.element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(progress_of(filter).back(), GST_PROGRESS_TYPE_CANCELED);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_ERROR).empty());
}

TEST(Load, AModelChangedInReadyIsTheOneThatRuns) {
  FilterHarness filter("model=first");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  gst_element_set_state(filter.element(), GST_STATE_READY);
  g_object_set(filter.element(), "model", "second", nullptr);
  gst_element_set_state(filter.element(), GST_STATE_PLAYING);
  gst_harness_push_event(filter.video(), gst_event_new_stream_start("again"));
  filter.set_caps("video/x-raw,format=RGB,width=16,height=8,framerate=25/1");
  filter.start_segment();
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  EXPECT_STREQ(gst_structure_get_string(stats_of(filter.element()).get(), "model"), "second");
}

TEST(Frame, OneThatFailsPassesUntouchedWithOneWarning_n) {
  for (const char* where : {"submit-error", "collect-error"}) {
    FilterHarness filter(std::string("model=") + where + "=" + number_of(ErrorKind::kInference) + "@1");
    for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK) << where;
    const std::vector<BufferPtr> out = filter.take_all();
    ASSERT_EQ(out.size(), 3u) << where;
    EXPECT_EQ(bytes_of(out[0].get())[1], 215) << where;
    EXPECT_EQ(bytes_of(out[1].get()), std::vector<std::uint8_t>(16 * 8 * 3, 40)) << where;
    EXPECT_EQ(bytes_of(out[2].get())[1], 215) << where;
    EXPECT_EQ(GST_BUFFER_PTS(out[1].get()), pts_of_frame(1)) << where;
    EXPECT_EQ(stat(filter.element(), "frames-passed"), 1u) << where;
    const std::vector<Complaint> warnings = filter.complaints(GST_MESSAGE_WARNING);
    ASSERT_EQ(warnings.size(), 1u) << where;
    EXPECT_EQ(warnings[0].domain, GST_STREAM_ERROR);
    EXPECT_TRUE(filter.complaints(GST_MESSAGE_ERROR).empty());
  }
}

TEST(Frame, OneThatFailsInABatchKeepsTheOrder_n) {
  FilterHarness filter("t-index-list=1,2,3 model=submit-error=" + number_of(ErrorKind::kInference) + "@2");
  for (int i = 0; i < 6; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  filter.eos();
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(bytes_of(out[i].get())[1], i == 2 ? 40 : 215);
  }
}

TEST(Frame, ABufferThatIsTooSmallIsAFormatError_n) {
  FilterHarness filter("");
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, 10, nullptr);
  EXPECT_EQ(gst_harness_push(filter.video(), buffer), GST_FLOW_ERROR);
  const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].domain, GST_STREAM_ERROR);
  EXPECT_EQ(errors[0].code, GST_STREAM_ERROR_FORMAT);
}

TEST(Caps, OtherFormatsAreRefused_n) {
  FilterHarness filter("");
  GstCaps* caps = gst_caps_from_string("video/x-raw,format=GRAY8,width=16,height=8,framerate=25/1");
  EXPECT_FALSE(gst_pad_peer_query_accept_caps(filter.video()->srcpad, caps));
  gst_harness_push_event(filter.video(), gst_event_new_caps(caps));
  EXPECT_EQ(filter.push(0), GST_FLOW_NOT_NEGOTIATED);
  gst_caps_unref(caps);
}

// In NULL there is no bus to warn on, so start says it.
TEST(TIndexList, TextThatIsNoListFailsAtStart_n) {
  for (const char* text : {"a", "1,", ",1", "1 2", "-1", "1;2", "99999999999999"}) {
    ElementOnBus filter("diffusionfilter");
    g_object_set(filter.element(), "t-index-list", text, nullptr);
    EXPECT_FALSE(filter.messages(GST_MESSAGE_WARNING).empty()) << text;
    EXPECT_EQ(gst_element_set_state(filter.element(), GST_STATE_READY), GST_STATE_CHANGE_FAILURE) << text;
    const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_EQ(errors[0].domain, GST_RESOURCE_ERROR);
    EXPECT_EQ(errors[0].code, GST_RESOURCE_ERROR_SETTINGS);
    EXPECT_NE(errors[0].text.find(text), std::string::npos) << errors[0].text;
  }
}

TEST(TIndexList, TextThatIsNoListIsWarnedOfWhileRunning_n) {
  FilterHarness filter("t-index-list=\" 1 , 2 \"");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  EXPECT_FALSE(filter.take());
  g_object_set(filter.element(), "t-index-list", "x", nullptr);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
  ASSERT_EQ(filter.push(1), GST_FLOW_OK);
  EXPECT_EQ(filter.take_all().size(), 1u) << "still a batch of two";
}

TEST(Settings, ImpossibleOnesAtStartAreAnError_n) {
  FilterHarness filter("t-index-list=2,1");
  EXPECT_EQ(filter.push(0), GST_FLOW_ERROR);
  const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, GST_RESOURCE_ERROR_SETTINGS);
}

TEST(Settings, ImpossibleOnesWhileRunningAreWarnedOfOnceAndPromptsGoOn_n) {
  FilterHarness filter("prompt=a t-index-list=1,2");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  g_object_set(filter.element(), "t-index-list", "2,1", nullptr);
  for (int i = 1; i < 4; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  g_object_set(filter.element(), "prompt", "b", nullptr);
  for (int i = 4; i < 6; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 5u);
  EXPECT_EQ(first_byte(out[4].get()), text_mark("b"));
}

TEST(Settings, OnesWithoutEffectAreWarnedOfOnce) {
  FilterHarness filter("guidance-scale=7.5");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  const std::vector<Complaint> warnings = filter.complaints(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(warnings[0].code, GST_RESOURCE_ERROR_SETTINGS);
}

}  // namespace
}  // namespace liveedit::testing
