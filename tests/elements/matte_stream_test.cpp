// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames through rvmmatte: outputs, formats, order, delay, drain, and what the network remembers.
#include <atomic>
#include <thread>

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gtest/gtest.h>

#include "tests/elements/matte_harness.h"

namespace liveedit::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The second pixel of a frame whose bytes are all `value`.
Bytes second_pixel(MatteHarness& filter, std::uint8_t value, int bytes_of_pixel) {
  EXPECT_EQ(filter.push(0, value), GST_FLOW_OK);
  const BufferPtr out = filter.take();
  if (!out) return {};
  const Bytes bytes = bytes_of(out.get());
  return {bytes.begin() + bytes_of_pixel, bytes.begin() + 2 * bytes_of_pixel};
}

TEST(MatteOutput, RgbaIsThePictureAndTheMatte) {
  MatteHarness filter("");
  EXPECT_EQ(second_pixel(filter, 40, 4), (Bytes{40, 40, 40, 40}));
  EXPECT_EQ(filter.out_format(), "RGBA");
}

TEST(MatteOutput, CutoutHasColoursOfItsOwn) {
  MatteHarness filter("output=cutout");
  EXPECT_EQ(second_pixel(filter, 40, 4), (Bytes{215, 215, 215, 40}));
}

TEST(MatteOutput, MatteIsGrey) {
  MatteHarness filter("output=matte");
  EXPECT_EQ(second_pixel(filter, 40, 1), (Bytes{40}));
  EXPECT_EQ(filter.out_format(), "GRAY8");
}

TEST(MatteOutput, CompositeHasTheBackgroundWhereNobodyIs) {
  MatteHarness nobody("output=composite background-color=0xff123456");
  EXPECT_EQ(second_pixel(nobody, 40, 3), (Bytes{0x12, 0x12, 0x12}));
  MatteHarness somebody("output=composite background-color=0xff123456");
  EXPECT_EQ(second_pixel(somebody, 200, 3), (Bytes{200, 200, 200}));
  MatteHarness blurred("output=composite background-blur=5");
  EXPECT_EQ(second_pixel(blurred, 40, 3), (Bytes{7, 7, 7}));
  EXPECT_EQ(blurred.out_format(), "RGB");
}

TEST(MatteOutput, ChangesWhileFramesFlowAndTheCapsWithIt) {
  MatteHarness filter("");
  const std::pair<const char*, const char*> steps[] = {{"rgba", "RGBA"},   {"matte", "GRAY8"}, {"composite", "RGB"},
                                                       {"cutout", "RGBA"}, {"rgba", "RGBA"},   {"matte", "GRAY8"}};
  int index = 0;
  for (const auto& [output, format] : steps) {
    gst_util_set_object_arg(G_OBJECT(filter.element()), "output", output);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(index++, 40), GST_FLOW_OK);
    EXPECT_EQ(filter.out_format(), format);
    const std::vector<BufferPtr> out = filter.take_all();
    ASSERT_EQ(out.size(), 2u) << output;
    const GstVideoInfo info = filter.out_info();
    EXPECT_EQ(gst_buffer_get_size(out[1].get()), GST_VIDEO_INFO_SIZE(&info));
  }
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

TEST(MatteOutput, FramesInsideLeaveWithTheCapsTheyCameUnder) {
  MatteHarness filter("model=depth=3");
  for (int i = 0; i < 4; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
  gst_util_set_object_arg(G_OBJECT(filter.element()), "output", "matte");
  for (int i = 4; i < 8; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
  EXPECT_TRUE(filter.eos());
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 8u);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(gst_buffer_get_size(out[i].get()), i < 4 ? 16 * 8 * 4u : 16 * 8u);
  }
}

TEST(MatteOutput, OneThatDownstreamCannotTakeIsWarnedOfOnceAndTheOneBeforeStays_n) {
  MatteHarness filter("");
  gst_harness_set_sink_caps_str(filter.video(), "video/x-raw,format=RGBA");
  for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
  gst_util_set_object_arg(G_OBJECT(filter.element()), "output", "matte");
  for (int i = 2; i < 6; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 6u);
  EXPECT_EQ(bytes_of(out[5].get())[7], 40);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
  gst_util_set_object_arg(G_OBJECT(filter.element()), "output", "cutout");
  ASSERT_EQ(filter.push(6, 40), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.take().get())[4], 215);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

class MatteCaps : public ::testing::TestWithParam<std::tuple<const char*, const char*, std::pair<int, int>>> {};

TEST_P(MatteCaps, EveryFormatAndSizeLeavesAsItsOutputSays) {
  const auto [output, format, size] = GetParam();
  const std::string caps = std::string("video/x-raw,format=") + format + ",width=" + std::to_string(size.first) +
                           ",height=" + std::to_string(size.second) + ",framerate=0/1,colorimetry=(string)" +
                           (std::string(format).find('2') == std::string::npos ? "sRGB" : "bt709");
  const std::string wanted = std::string(output) == "matte"       ? "GRAY8"
                             : std::string(output) == "composite" ? format
                             : std::string(format) == "BGRA"      ? "BGRA"
                                                                  : "RGBA";
  for (const char* enabled : {"true", "false"}) {
    MatteHarness filter(std::string("output=") + output + " enabled=" + enabled, caps);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(i, 10), GST_FLOW_OK);
    const std::vector<BufferPtr> out = filter.take_all();
    ASSERT_EQ(out.size(), 2u);
    const GstVideoInfo info = filter.out_info();
    EXPECT_EQ(filter.out_format(), wanted);
    EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&info), size.first);
    EXPECT_EQ(GST_VIDEO_INFO_HEIGHT(&info), size.second);
    if (wanted == format && wanted != "BGRA") {
      EXPECT_EQ(info.colorimetry.matrix, std::string(format).find('2') == std::string::npos
                                             ? GST_VIDEO_COLOR_MATRIX_RGB
                                             : GST_VIDEO_COLOR_MATRIX_BT709);
    }
    for (const BufferPtr& buffer : out) EXPECT_GE(gst_buffer_get_size(buffer.get()), GST_VIDEO_INFO_SIZE(&info));
  }
}

INSTANTIATE_TEST_SUITE_P(Matrix, MatteCaps,
                         ::testing::Combine(::testing::Values("rgba", "cutout", "matte", "composite"),
                                            ::testing::Values("RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"),
                                            ::testing::Values(std::pair{1, 1}, std::pair{3, 5}, std::pair{17, 31},
                                                              std::pair{64, 48}, std::pair{1, 16384},
                                                              std::pair{16384, 1})));

TEST(MatteStream, TimesFlagsAndMetasStay) {
  MatteHarness filter("");
  for (int i = 0; i < 4; ++i) {
    GstBuffer* frame = filter.frame(i);
    if (i == 3) GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_MARKER);
    gst_buffer_add_video_region_of_interest_meta(frame, "face", 1, 2, 3, 4);
    ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
    const BufferPtr out = filter.take();
    ASSERT_TRUE(out);
    EXPECT_EQ(GST_BUFFER_PTS(out.get()), pts_of_frame(i));
    EXPECT_EQ(GST_BUFFER_DURATION(out.get()), GST_SECOND / 25);
    EXPECT_EQ(static_cast<bool>(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_MARKER)), i == 3);
    EXPECT_TRUE(gst_buffer_get_video_region_of_interest_meta_id(out.get(), 0));
  }
  EXPECT_EQ(stat(filter.element(), "frames-in"), 4u);
  EXPECT_EQ(stat(filter.element(), "frames-matted"), 4u);
}

// Where the core works on several frames at a time.
TEST(MatteStream, FramesInFlightComeInOrderAndEosDrains) {
  MatteHarness filter("output=matte model=depth=3");
  for (int i = 0; i < 20; ++i) ASSERT_EQ(filter.push(i, i + 50), GST_FLOW_OK);
  EXPECT_TRUE(filter.eos());
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(bytes_of(out[i].get())[1], i + 50);
  }
}

TEST(MatteStream, LatencyIsUpstreamsAndAFramesOwnTime) {
  MatteHarness filter("model=frame-ms=20");
  for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  gst_harness_set_upstream_latency(filter.video(), 10 * GST_MSECOND);
  EXPECT_EQ(gst_harness_query_latency(filter.video()), 30 * GST_MSECOND);
  EXPECT_FALSE(filter.messages(GST_MESSAGE_LATENCY).empty());
}

TEST(MatteStream, IntervalAndSimilarFramesReuseTheMatte) {
  MatteHarness interval("inference-interval=3");
  for (int i = 0; i < 9; ++i) ASSERT_EQ(interval.push(i), GST_FLOW_OK);
  EXPECT_EQ(stat(interval.element(), "frames-matted"), 3u);
  EXPECT_EQ(stat(interval.element(), "frames-reused"), 6u);
  MatteHarness similar("similar-image-filter=true");
  for (int i = 0; i < 4; ++i) ASSERT_EQ(similar.push(i), GST_FLOW_OK);
  g_object_set(similar.element(), "similar-image-filter", FALSE, nullptr);
  ASSERT_EQ(similar.push(4), GST_FLOW_OK);
  EXPECT_EQ(stat(similar.element(), "frames-matted"), 2u);
  EXPECT_EQ(stat(similar.element(), "frames-reused"), 3u);
}

/* ---- what the network remembers ---- */

TEST(MatteMemory, GrowsWithEveryFrame) {
  MatteHarness filter("output=matte");
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(filter.push(i), GST_FLOW_OK);
    EXPECT_EQ(filter.remembered(), i + 1);
  }
}

TEST(MatteMemory, AFlushForgets) {
  MatteHarness filter("output=matte model=depth=2");
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(filter.push(i), GST_FLOW_OK);
    if (i % 4 != 3) continue;
    filter.flush();
    filter.take_all();
  }
  for (int i = 10; i < 12; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_TRUE(filter.eos());
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(GST_BUFFER_PTS(out[0].get()), pts_of_frame(10));
  EXPECT_EQ(first_byte(out[0].get()), 1);
}

TEST(MatteMemory, NewCapsForgetAlsoWhereOnlyTheFormatIsNew) {
  MatteHarness filter("output=matte");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  filter.set_caps("video/x-raw,format=BGRx,width=16,height=8,framerate=25/1");
  filter.take_all();
  ASSERT_EQ(filter.push(3), GST_FLOW_OK);
  EXPECT_EQ(filter.remembered(), 1);
}

TEST(MatteMemory, CapsThatChangeEveryTenFramesLoseNoFrame) {
  MatteHarness filter("output=matte model=depth=2");
  const char* const formats[] = {"RGB", "NV12", "BGRA", "I420"};
  int index = 0;
  for (int change = 0; change < 12; ++change) {
    const int width = 1 + 7 * change, height = 33 - 2 * change;
    filter.set_caps(std::string("video/x-raw,format=") + formats[change % 4] + ",width=" + std::to_string(width) +
                    ",height=" + std::to_string(height) + ",framerate=25/1");
    for (int i = 0; i < 10; ++i) ASSERT_EQ(filter.push(index++), GST_FLOW_OK);
  }
  filter.eos();
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 120u);
  for (int i = 0; i < 120; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    EXPECT_EQ(first_byte(out[i].get()), i % 10 + 1) << i;
  }
}

// As a queue does that drops frames.
TEST(MatteMemory, ALostFrameDoesNotForgetALongerGapDoes) {
  MatteHarness filter("output=matte");
  const auto push = [&](int index, bool discont) {
    GstBuffer* frame = filter.frame(index);
    if (discont) GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
    EXPECT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
    return filter.remembered();
  };
  EXPECT_EQ(push(0, true), 1);
  EXPECT_EQ(push(1, false), 2);
  EXPECT_EQ(push(4, true), 3);
  EXPECT_EQ(push(5, false), 4);
  EXPECT_EQ(push(25, true), 1);
  EXPECT_EQ(push(0, true), 1) << "back in time";
  GstBuffer* frame = filter.frame(1);
  GST_BUFFER_PTS(frame) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
  EXPECT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  EXPECT_EQ(filter.remembered(), 1) << "who knows when";
}

TEST(MatteMemory, SeekingInAPipelineForgetsAndNeverHangs) {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc ! video/x-raw,format=I420,width=16,height=8,framerate=25/1 ! "
      "rvmmatte name=matte model=depth=2 output=matte ! fakesink name=sink sync=false signal-handoffs=true",
      nullptr);
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  static std::atomic<int> first;
  g_signal_connect(sink, "handoff", G_CALLBACK(+[](GstElement*, GstBuffer* buffer, GstPad*, gpointer) {
                     if (first < 0) first = first_byte(buffer);
                   }),
                   nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    ASSERT_EQ(gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
    first = -1;
    ASSERT_TRUE(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, (i * 7 % 20) * GST_SECOND));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (int wait = 0; first < 0 && wait < 60000; ++wait) g_usleep(1000);
    EXPECT_EQ(first, 1) << i;
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
}

/* ---- enabled ---- */

TEST(MatteDisabled, FramesPassWholeAndTheNetworkStartsAnewAfterwards) {
  MatteHarness filter("model=depth=2");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i, 7), GST_FLOW_OK);
  g_object_set(filter.element(), "enabled", FALSE, nullptr);
  for (int i = 3; i < 5; ++i) ASSERT_EQ(filter.push(i, 7), GST_FLOW_OK);
  g_object_set(filter.element(), "enabled", TRUE, nullptr);
  for (int i = 5; i < 8; ++i) ASSERT_EQ(filter.push(i, 7), GST_FLOW_OK);
  filter.eos();
  const std::vector<BufferPtr> out = filter.take_all();
  ASSERT_EQ(out.size(), 8u);
  const int remembered[] = {1, 2, 3, 255, 255, 1, 2, 3};
  for (int i = 0; i < 8; ++i) {
    const bool whole = i == 3 || i == 4;
    EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
    const Bytes bytes = bytes_of(out[i].get());
    EXPECT_EQ(bytes[3], remembered[i]) << i;
    EXPECT_EQ((Bytes{bytes.begin() + 4, bytes.begin() + 8}),
              (Bytes{7, 7, 7, static_cast<std::uint8_t>(whole ? 255 : 7)}));
  }
  EXPECT_EQ(stat(filter.element(), "frames-passed"), 2u);
}

TEST(MatteDisabled, NeedsNoModel) {
  MatteHarness filter("enabled=false output=matte model=load-ms=100000");
  ASSERT_EQ(filter.push(0, 7), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.take().get()), Bytes(16 * 8, 255));
}

TEST(MatteDisabled, ACompositeKeepsTheVeryBuffer) {
  MatteHarness filter("enabled=false output=composite");
  GstBuffer* frame = filter.frame(0, 7);
  ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  const BufferPtr out = filter.take();
  EXPECT_EQ(out.get(), frame);
  EXPECT_EQ(bytes_of(out.get()), Bytes(16 * 8 * 3, 7));
}

TEST(MatteDisabled, AlphaOfTheInputBecomesOpaque) {
  MatteHarness filter("enabled=false output=composite", "video/x-raw,format=BGRA,width=2,height=1,framerate=25/1");
  ASSERT_EQ(filter.push(0, 7), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.take().get()), (Bytes{7, 7, 7, 255, 7, 7, 7, 255}));
}

TEST(MatteDisabled, YcbcrBecomesTheSameColours) {
  MatteHarness filter("enabled=false", "video/x-raw,format=I420,width=4,height=4,framerate=25/1,colorimetry=bt709");
  GstBuffer* frame = filter.frame(0);
  gst_buffer_memset(frame, 0, 126, 16);
  gst_buffer_memset(frame, 16, 128, gst_buffer_get_size(frame) - 16);
  ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  const Bytes bytes = bytes_of(filter.take().get());
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(bytes[i], (126 - 16) * 255 / 219, 2);
  EXPECT_EQ(bytes[3], 255);
}

TEST(MatteStream, PropertiesMayChangeFromAnyThreadWhileFramesFlow) {
  MatteHarness filter("model=depth=2");
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) {
      g_object_set(filter.element(), "output", i % 4, "feather", (i % 10) / 2.0, "enabled", i % 7 != 0,
                   "background-color", static_cast<guint>(i), "downsample-ratio", (i % 5) / 4.0, nullptr);
      stats_of(filter.element());
    }
  });
  for (int i = 0; i < 300; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  writer.join();
  filter.eos();
  EXPECT_EQ(filter.take_all().size(), 300u);
}

/* ---- settings that a controller moves over time ---- */

GObject* control(MatteHarness& filter, const char* property, double at_start, double after_ten_frames) {
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  auto* points = GST_TIMED_VALUE_CONTROL_SOURCE(source);
  gst_timed_value_control_source_set(points, pts_of_frame(0), at_start);
  gst_timed_value_control_source_set(points, pts_of_frame(10), after_ten_frames);
  GstControlBinding* binding = gst_direct_control_binding_new_absolute(GST_OBJECT(filter.element()), property, source);
  EXPECT_TRUE(gst_object_add_control_binding(GST_OBJECT(filter.element()), binding));
  return G_OBJECT(source);
}

TEST(MatteController, MovesTheColourBehindThePersonFrameByFrame) {
  MatteHarness filter("output=composite");
  GObject* source = control(filter, "background-color", 0xff000000, 0xffa00000);
  for (int i = 0; i <= 10; ++i) {
    ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
    EXPECT_NEAR(bytes_of(filter.take().get())[3], 16 * i, 1) << i;
  }
  g_object_unref(source);
}

TEST(MatteController, MovesEverySettingThatSaysItCanBe) {
  MatteHarness filter("");
  const std::tuple<const char*, double, double> moved[] = {
      {"threshold", 0.0, 0.9}, {"feather", 0.0, 20.0}, {"background-blur", 1.0, 50.0}, {"background-color", 1, 1000}};
  std::vector<GObject*> sources;
  for (const auto& [name, from, to] : moved) {
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(filter.element()), name);
    ASSERT_TRUE(spec != nullptr && (spec->flags & GST_PARAM_CONTROLLABLE) != 0) << name;
    sources.push_back(control(filter, name, from, to));
  }
  for (int i = 0; i <= 10; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
  for (const auto& [name, from, to] : moved) {
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(filter.element()), name, &value);
    const double now = G_VALUE_HOLDS_FLOAT(&value) ? g_value_get_float(&value) : g_value_get_uint(&value);
    EXPECT_NEAR(now, to, 1e-4) << name;
    g_value_unset(&value);
  }
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
  for (GObject* source : sources) g_object_unref(source);
}

}  // namespace
}  // namespace liveedit::testing
