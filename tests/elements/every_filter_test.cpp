// SPDX-License-Identifier: LGPL-2.1-or-later
// What frames can rely on, whichever filter of video they go through.
#include <thread>

#include <gtest/gtest.h>

#include "tests/elements/error_kinds.h"
#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

struct Filter {
  const char* element;
  const char* done;  // the count of frames that it has worked on, in stats
};

class EveryFilter : public ::testing::TestWithParam<Filter> {
 protected:
  FilterHarness make(const std::string& properties = "") {
    return FilterHarness(properties, "video/x-raw,format=RGB,width=16,height=8,framerate=25/1", GetParam().element);
  }
};

TEST_P(EveryFilter, LetsAFrameInFlightLeaveWhenItIsDoneThoughNoOtherFollows) {
  FilterHarness filter = make("model=depth=3,frame-ms=5");
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(filter.push(i), GST_FLOW_OK);
    const BufferPtr out = filter.wait_frame();
    ASSERT_TRUE(out);
    EXPECT_EQ(GST_BUFFER_PTS(out.get()), pts_of_frame(i));
  }
  EXPECT_TRUE(filter.eos());
  EXPECT_FALSE(filter.take());
}

// The frame is pushed between two others; whoever pushes the next one must hear of it.
TEST_P(EveryFilter, TellsWithTheNextFrameWhatCameOfOneInFlight_n) {
  FilterHarness filter = make("model=depth=3");
  gst_pad_set_active(filter.video()->sinkpad, FALSE);
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < 5 && flow == GST_FLOW_OK; ++i) flow = filter.push(i);
  EXPECT_EQ(flow, GST_FLOW_FLUSHING);
  gst_pad_set_active(filter.video()->sinkpad, TRUE);
}

TEST_P(EveryFilter, PassesEosWithoutAFrame) {
  FilterHarness filter = make();
  EXPECT_TRUE(filter.eos());
  EXPECT_FALSE(filter.take());
}

TEST_P(EveryFilter, DropsLateFramesBeforeInferenceAndTells) {
  FilterHarness filter = make();
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  gst_harness_push_upstream_event(filter.video(),
                                  gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, GST_SECOND / 2, pts_of_frame(0)));
  for (int i = 1; i < 16; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_EQ(stat(filter.element(), "frames-dropped"), 12u);  // those up to 0.5 s
  EXPECT_EQ(filter.messages(GST_MESSAGE_QOS).size(), 12u);
  EXPECT_EQ(stat(filter.element(), GetParam().done), 4u);
}

TEST_P(EveryFilter, FreesAFrameThatWaitsForTheModelAtAFlush_n) {
  FilterHarness filter = make("model=load-ms=100000");
  std::thread video([&] { EXPECT_EQ(filter.push(0), GST_FLOW_FLUSHING); });
  while (stat(filter.element(), "frames-in") == 0) std::this_thread::yield();
  filter.push_event(gst_event_new_flush_start());
  video.join();
  filter.push_event(gst_event_new_flush_stop(TRUE));
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_ERROR).empty());
}

TEST_P(EveryFilter, FreesAFrameThatWaitsForTheModelWhenItGoesToNull_n) {
  FilterHarness filter = make("model=load-ms=100000");
  std::thread video([&] { EXPECT_EQ(filter.push(0), GST_FLOW_FLUSHING); });
  while (stat(filter.element(), "frames-in") == 0) std::this_thread::yield();
  EXPECT_EQ(gst_element_set_state(filter.element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  video.join();
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_ERROR).empty());
}

TEST_P(EveryFilter, EndsTheStreamWithOneErrorWithoutMemoryOrDevice_n) {
  for (const ErrorKind kind : {ErrorKind::kOutOfMemory, ErrorKind::kDeviceLost}) {
    for (const char* where : {"submit-error", "collect-error"}) {
      FilterHarness filter = make(std::string("model=") + where + "=" + number_of(kind) + "@1");
      ASSERT_EQ(filter.push(0), GST_FLOW_OK);
      EXPECT_EQ(filter.push(1), GST_FLOW_ERROR);
      EXPECT_EQ(filter.complaints(GST_MESSAGE_ERROR).size(), 1u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Elements, EveryFilter,
                         ::testing::Values(Filter{"diffusionfilter", "frames-edited"},
                                           Filter{"rvmmatte", "frames-matted"}),
                         [](const auto& info) { return std::string(info.param.element); });

}  // namespace
}  // namespace liveedit::testing
