// SPDX-License-Identifier: LGPL-2.1-or-later
// video/x-raw(memory:CUDAMemory): offered where there is a GPU, and the same pictures as by way of system memory.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using Pictures = std::vector<std::vector<guint8>>;

const std::string kModel =
    (std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden/img2img/models/sd-turbo").string() + " dtype=fp32";
const std::string kOnGpu = "video/x-raw(memory:CUDAMemory)";

std::string filter(const std::string& device, const std::string& more = "strength=0.8 num-inference-steps=4") {
  return "diffusionfilter device=" + device + " prompt=cat " + more + " model=" + kModel;
}

// The bytes that stand for pixels, without the padding of rows.
std::vector<guint8> picture_of(GstSample* sample) {
  GstVideoInfo info;
  GstVideoFrame frame;
  std::vector<guint8> bytes;
  gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
  if (!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) return bytes;
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
    // The planes of NV12's kind hold two components; the first of a plane says how many rows it has.
    gint components[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component(info.finfo, plane, components);
    const int rows = GST_VIDEO_FRAME_COMP_HEIGHT(&frame, components[0]);
    const int row_bytes =
        GST_VIDEO_FRAME_COMP_WIDTH(&frame, components[0]) * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, components[0]);
    const auto* start = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    for (int row = 0; row < rows; ++row) {
      const guint8* from = start + static_cast<std::size_t>(row) * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
      bytes.insert(bytes.end(), from, from + row_bytes);
    }
  }
  gst_video_frame_unmap(&frame);
  return bytes;
}

std::string complaint_of(GstElement* pipeline) {
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_pop_filtered(bus, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
  gst_object_unref(bus);
  if (!message) return "";
  GError* error = nullptr;
  gchar* detail = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, &error, &detail);
  } else {
    gst_message_parse_warning(message, &error, &detail);
  }
  const std::string text = std::string(error->message) + " (" + (detail ? detail : "") + ")";
  g_clear_error(&error);
  g_free(detail);
  gst_message_unref(message);
  return text;
}

Pictures run(const std::string& line) {
  Pictures pictures;
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch((line + " ! appsink name=out sync=false").c_str(), &error);
  EXPECT_EQ(error, nullptr) << error->message;
  g_clear_error(&error);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 60 * GST_SECOND)) {
    pictures.push_back(picture_of(sample));
    gst_sample_unref(sample);
  }
  EXPECT_EQ(complaint_of(pipeline), "") << line;
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(out);
  gst_object_unref(pipeline);
  return pictures;
}

std::string source(const std::string& format, const std::string& pattern = "smpte") {
  return "videotestsrc num-buffers=5 pattern=" + pattern + " ! video/x-raw,format=" + format +
         ",width=50,height=34,framerate=25/1";
}

bool has_element(const char* name) {
  GstElementFactory* factory = gst_element_factory_find(name);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

class CudaMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_element("cudaupload")) GTEST_SKIP() << "no NVIDIA GPU, or no nvcodec plugin for GStreamer, is here";
  }
};

void expect_same(const Pictures& expected, const Pictures& got, const std::string& what) {
  ASSERT_FALSE(expected.empty()) << what;
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], expected[i]) << what << ", picture " << i;
  const std::set<guint8> values(expected[0].begin(), expected[0].end());
  EXPECT_GT(values.size(), 10u) << what << ": nothing to see";
}

TEST(CudaCaps, AreInTheTemplateAndOfferedOnlyWithAGpu) {
  GstElement* element = gst_element_factory_make("diffusionfilter", nullptr);
  ASSERT_NE(element, nullptr);
  for (const char* name : {"sink", "src"}) {
    GstPad* pad = gst_element_get_static_pad(element, name);
    const auto mentions = [](GstCaps* caps) {
      gchar* text = gst_caps_to_string(caps);
      const bool found = std::string(text).find("memory:CUDAMemory") != std::string::npos;
      g_free(text);
      gst_caps_unref(caps);
      return found;
    };
    EXPECT_TRUE(mentions(gst_pad_get_pad_template_caps(pad)));
    gst_object_unref(pad);
  }
  gst_object_unref(element);
}

// A pipeline that must fail where there is no GPU to hold the pictures, with a reason and without a crash.
TEST(CudaCaps, AreRefusedWithoutAGpu_n) {
  if (has_element("cudaupload")) GTEST_SKIP() << "there is a GPU";
  GstElement* pipeline =
      gst_parse_launch(("appsrc name=in ! " + filter("cpu") + " name=edit ! fakesink").c_str(), nullptr);
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "edit");
  GstPad* sink = gst_element_get_static_pad(element, "sink");
  GstCaps* caps = gst_caps_from_string((kOnGpu + ",format=RGBA,width=50,height=34,framerate=25/1").c_str());
  EXPECT_FALSE(gst_pad_query_accept_caps(sink, caps));
  GstCaps* offered = gst_pad_query_caps(sink, nullptr);
  EXPECT_FALSE(gst_caps_can_intersect(caps, offered));
  EXPECT_FALSE(gst_caps_is_empty(offered)) << "system memory is offered as ever";
  gst_caps_unref(offered);
  gst_caps_unref(caps);
  gst_object_unref(sink);
  gst_object_unref(element);
  gst_object_unref(pipeline);
}

TEST_F(CudaMemoryTest, GivesThePicturesOfSystemMemoryInEveryFormat) {
  for (const char* format : {"RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"}) {
    const Pictures expected = run(source(format) + " ! " + filter("cuda"));
    const Pictures got = run(source(format) + " ! cudaupload ! " + filter("cuda") + " ! " + kOnGpu + " ! cudadownload");
    expect_same(expected, got, format);
    EXPECT_NE(expected, run(source(format))) << format << ": nothing was edited";
  }
}

TEST_F(CudaMemoryTest, KeepsAlpha) {
  const std::string line = source("BGRA", "solid-color foreground-color=0x40c08020");
  const Pictures before = run(line);
  const Pictures after = run(line + " ! cudaupload ! " + filter("cuda") + " ! cudadownload");
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(before[0][3], 0x40);
  for (std::size_t i = 3; i < before[0].size(); i += 4) ASSERT_EQ(after[0][i], before[0][i]);
  EXPECT_NE(after[0], before[0]);
}

TEST_F(CudaMemoryTest, HoldsFramesOfADenoisingBatch) {
  const std::string batch = filter("cuda", "num-inference-steps=50 t-index-list=18,26,35,45");
  const std::string line = source("NV12", "ball");
  expect_same(run(line + " ! " + batch), run(line + " ! cudaupload ! " + batch + " ! cudadownload"), "batch of four");
}

TEST_F(CudaMemoryTest, ANetworkOnTheCpuTakesThemToo) {
  const std::string line = source("RGBA", "ball");
  expect_same(run(line + " ! " + filter("cpu")), run(line + " ! cudaupload ! " + filter("cpu") + " ! cudadownload"),
              "cpu");
}

TEST_F(CudaMemoryTest, PassesThemUntouchedWhenDisabled) {
  const std::string line = source("RGBA", "ball");
  expect_same(run(line), run(line + " ! cudaupload ! " + filter("cuda", "enabled=false") + " ! cudadownload"),
              "disabled");
}

TEST_F(CudaMemoryTest, SharesTheContextOfADecoder) {
  if (!has_element("nvh264dec") || !has_element("x264enc")) GTEST_SKIP() << "no nvh264dec or no x264enc is here";
  // One thread: several that share a picture look at each other's progress, and code it differently each time.
  const std::string film =
      "videotestsrc num-buffers=6 pattern=smpte ! video/x-raw,format=I420,width=320,height=192,framerate=25/1 ! "
      "x264enc tune=zerolatency threads=1 ! h264parse ! nvh264dec ! ";
  expect_same(run(film + "video/x-raw ! " + filter("cuda")),
              run(film + kOnGpu + " ! " + filter("cuda") + " ! cudadownload"), "decoder");
  if (!has_element("cudaconvert")) GTEST_SKIP() << "no cudaconvert is here";
  const std::string converted = film + kOnGpu + " ! cudaconvert ! " + kOnGpu + ",format=RGBA ! ";
  expect_same(run(converted + "cudadownload ! " + filter("cuda")), run(converted + filter("cuda") + " ! cudadownload"),
              "decoder and converter");
}

}  // namespace
}  // namespace liveedit::testing
