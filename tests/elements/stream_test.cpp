// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames through diffusionfilter: order, times, flags, delay, drain, flush, formats.
#include <thread>

#include <gtest/gtest.h>

#include "tests/elements/core_double/text_mark.h"
#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

TEST(Stream, EveryFrameIsEditedAndKeepsItsTimesAndFlags) {
  FilterHarness filter("prompt=ink");
  for (int i = 0; i < 5; ++i) {
    GstBuffer* frame = filter.frame(i);
    GST_BUFFER_OFFSET(frame) = 100 + i;
    if (i == 3) GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_MARKER);
    ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
    const BufferPtr out = filter.take();
    ASSERT_TRUE(out);
    EXPECT_EQ(GST_BUFFER_PTS(out.get()), pts_of_frame(i));
    EXPECT_EQ(GST_BUFFER_DURATION(out.get()), GST_SECOND / 25);
    EXPECT_EQ(static_cast<bool>(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_MARKER)), i == 3);
    std::vector<std::uint8_t> expected(16 * 8 * 3, 255 - 40);
    expected[0] = text_mark("ink");
    EXPECT_EQ(bytes_of(out.get()), expected);
  }
  EXPECT_EQ(stat(filter.element(), "frames-in"), 5u);
  EXPECT_EQ(stat(filter.element(), "frames-edited"), 5u);
}

TEST(Stream, ABatchOfFourDelaysByThreeAndEosDrains) {
  FilterHarness filter("t-index-list=10,20,30,40 num-inference-steps=50");
  for (int i = 0; i < 6; ++i) ASSERT_EQ(filter.push(i, i), GST_FLOW_OK);
  std::vector<BufferPtr> out = filter.take_all();
  EXPECT_EQ(out.size(), 3u);
  EXPECT_TRUE(filter.eos());
  for (BufferPtr& buffer : filter.take_all()) out.push_back(std::move(buffer));
  ASSERT_EQ(out.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(bytes_of(out[i].get())[1], 255 - i);
  }
}

// Where the core works on several frames at a time.
TEST(Stream, FramesInFlightComeInOrderAndEosDrains) {
  FilterHarness filter("model=depth=3");
  for (int i = 0; i < 20; ++i) ASSERT_EQ(filter.push(i, i), GST_FLOW_OK);
  EXPECT_TRUE(filter.eos());
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(bytes_of(out[i].get())[1], 255 - i);
  }
}

TEST(Stream, FlushForgetsWhatIsInFlight) {
  FilterHarness filter("model=depth=3,frame-ms=20");
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(filter.push(i), GST_FLOW_OK);
    if (i % 4 != 3) continue;
    filter.flush();
    filter.take_all();
  }
  ASSERT_EQ(filter.push(50), GST_FLOW_OK);
  EXPECT_TRUE(filter.eos());
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(GST_BUFFER_PTS(out[0].get()), pts_of_frame(50));
}

TEST(Stream, NewCapsDrainWhatTheOldOnesHeld) {
  FilterHarness filter("t-index-list=1,2,3");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  filter.set_caps("video/x-raw,format=RGB,width=5,height=3,framerate=25/1");
  for (int i = 3; i < 6; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  filter.eos();
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(gst_buffer_get_size(out[i].get()), i < 3 ? 16 * 8 * 3u : 16 * 3u);
  }
}

TEST(Stream, AGapAndANewSegmentComeAfterTheFramesBeforeThem) {
  FilterHarness filter("t-index-list=1,2");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  EXPECT_FALSE(filter.take());
  gst_harness_push_event(filter.video(), gst_event_new_gap(pts_of_frame(1), GST_SECOND / 25));
  EXPECT_TRUE(filter.take());
  ASSERT_EQ(filter.push(2), GST_FLOW_OK);
  filter.start_segment();
  EXPECT_TRUE(filter.take());
}

TEST(Stream, FlushForgetsWhatIsInside) {
  FilterHarness filter("t-index-list=1,2,3");
  for (int i = 0; i < 4; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_EQ(filter.take_all().size(), 2u);
  filter.flush();
  for (int i = 10; i < 13; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(GST_BUFFER_PTS(out[0].get()), pts_of_frame(10));
}

TEST(Stream, DisabledPassesEveryBitAndEnabledEditsAgain) {
  FilterHarness filter("t-index-list=1,2");
  ASSERT_EQ(filter.push(0, 7), GST_FLOW_OK);
  g_object_set(filter.element(), "enabled", FALSE, nullptr);
  ASSERT_EQ(filter.push(1, 7), GST_FLOW_OK);
  std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(bytes_of(out[0].get())[1], 248);
  EXPECT_EQ(bytes_of(out[1].get()), std::vector<std::uint8_t>(16 * 8 * 3, 7));
  g_object_set(filter.element(), "enabled", TRUE, nullptr);
  ASSERT_EQ(filter.push(2, 7), GST_FLOW_OK);
  ASSERT_EQ(filter.push(3, 7), GST_FLOW_OK);
  out = filter.take_all();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(bytes_of(out[0].get())[1], 248);
  EXPECT_EQ(GST_BUFFER_PTS(out[0].get()), pts_of_frame(2));
}

TEST(Stream, DisabledNeedsNoModel) {
  FilterHarness filter("enabled=false model=load-ms=100000");
  ASSERT_EQ(filter.push(0, 7), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.take().get()), std::vector<std::uint8_t>(16 * 8 * 3, 7));
}

TEST(Stream, AlphaStays) {
  FilterHarness filter("", "video/x-raw,format=RGBA,width=3,height=2,framerate=25/1");
  ASSERT_EQ(filter.push(0, 90), GST_FLOW_OK);
  const std::vector<std::uint8_t> bytes = bytes_of(filter.take().get());
  for (std::size_t i = 3; i < bytes.size(); i += 4) EXPECT_EQ(bytes[i], 90);
  EXPECT_EQ(bytes[4], 165);
}

class EveryCaps : public ::testing::TestWithParam<std::tuple<const char*, std::pair<int, int>>> {};

TEST_P(EveryCaps, FramesComeOutInTheSameCaps) {
  const auto [format, size] = GetParam();
  const std::string caps = std::string("video/x-raw,format=") + format + ",width=" + std::to_string(size.first) +
                           ",height=" + std::to_string(size.second) + ",framerate=0/1";
  FilterHarness filter("prompt=x", caps);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(i, 10), GST_FLOW_OK);
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(first_byte(out[1].get()), text_mark("x"));
  GstCaps* given = gst_pad_get_current_caps(filter.video()->sinkpad);
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_from_caps(&info, given));
  EXPECT_STREQ(gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info)), format);
  EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&info), size.first);
  EXPECT_EQ(GST_VIDEO_INFO_HEIGHT(&info), size.second);
  EXPECT_GE(gst_buffer_get_size(out[0].get()), GST_VIDEO_INFO_SIZE(&info));
  gst_caps_unref(given);
}

INSTANTIATE_TEST_SUITE_P(Matrix, EveryCaps,
                         ::testing::Combine(::testing::Values("RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"),
                                            ::testing::Values(std::pair{1, 1}, std::pair{3, 5}, std::pair{17, 31},
                                                              std::pair{64, 48}, std::pair{1, 16384},
                                                              std::pair{16384, 1})));

// A buffer whose rows are longer than the picture's.
TEST(Stream, StridesOfVideoMetaAreFollowed) {
  FilterHarness filter("", "video/x-raw,format=RGB,width=2,height=2,framerate=25/1");
  GstBuffer* frame = gst_buffer_new_allocate(nullptr, 64, nullptr);
  gst_buffer_memset(frame, 0, 200, 64);
  gst_buffer_memset(frame, 32, 100, 6);
  gsize offsets[GST_VIDEO_MAX_PLANES] = {0};
  gint strides[GST_VIDEO_MAX_PLANES] = {32};
  gst_buffer_add_video_meta_full(frame, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, 2, 2, 1, offsets, strides);
  ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  const BufferPtr out = filter.take();
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, 2, 2);
  GstVideoFrame mapped;
  ASSERT_TRUE(gst_video_frame_map(&mapped, &info, out.get(), GST_MAP_READ));
  const auto* bytes = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, 0));
  EXPECT_EQ(bytes[1], 55);
  EXPECT_EQ(bytes[GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, 0)], 155);
  gst_video_frame_unmap(&mapped);
}

TEST(Stream, MetasThatStayTrueAreKept) {
  FilterHarness filter("");
  GstBuffer* frame = filter.frame(0);
  gst_buffer_add_video_region_of_interest_meta(frame, "face", 1, 2, 3, 4);
  GstCaps* reference = gst_caps_from_string("timestamp/x-test");
  gst_buffer_add_reference_timestamp_meta(frame, reference, 5, GST_CLOCK_TIME_NONE);
  ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  const BufferPtr out = filter.take();
  EXPECT_TRUE(gst_buffer_get_video_region_of_interest_meta_id(out.get(), 0));
  EXPECT_TRUE(gst_buffer_get_reference_timestamp_meta(out.get(), reference));
  gst_caps_unref(reference);
}

TEST(Stream, LatencyIsUpstreamsAndTheHeldFrames) {
  FilterHarness filter("t-index-list=1,2,3 model=frame-ms=20");
  for (int i = 0; i < 4; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  gst_harness_set_upstream_latency(filter.video(), 10 * GST_MSECOND);
  EXPECT_EQ(gst_harness_query_latency(filter.video()), (10 + 2 * 40 + 20) * GST_MSECOND);
  EXPECT_FALSE(filter.messages(GST_MESSAGE_LATENCY).empty());
}

TEST(Stream, HeldFramesAreCounted) {
  FilterHarness filter("model=held=1");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_EQ(stat(filter.element(), "frames-held"), 1u);
  EXPECT_EQ(stat(filter.element(), "frames-edited"), 2u);
}

TEST(Stream, PropertiesMayChangeFromAnyThreadWhileFramesFlow) {
  FilterHarness filter("");
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) {
      g_object_set(filter.element(), "prompt", i % 2 ? "a" : "b", "strength", (i % 10) / 10.0, "enabled", i % 7 != 0,
                   "seed", static_cast<gint64>(i), nullptr);
      stats_of(filter.element());
    }
  });
  for (int i = 0; i < 300; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  writer.join();
  EXPECT_EQ(filter.take_all().size(), 300u);
}

}  // namespace
}  // namespace liveedit::testing
