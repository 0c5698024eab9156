// SPDX-License-Identifier: LGPL-2.1-or-later
// What fills the gaps a publisher leaves: black in every format, silence.
#include "streaming/webrtc/live_output.h"

#include <gst/audio/audio.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using namespace liveedit::streaming;  // NOLINT: what is tested

class LiveOutputTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

// The middle pixel of `picture` as RGBA, through GStreamer's own converter.
std::vector<int> middle_pixel(const GstVideoInfo& info, GstBuffer* picture) {
  const CapsPtr from(gst_video_info_to_caps(&info));
  const CapsPtr to(gst_caps_from_string("video/x-raw,format=RGBA"));
  const SamplePtr sample(gst_sample_new(picture, from.get(), nullptr, nullptr));
  GError* error = nullptr;
  const SamplePtr converted(gst_video_convert_sample(sample.get(), to.get(), 5 * GST_SECOND, &error));
  if (!converted) {
    ADD_FAILURE() << error->message;
    g_clear_error(&error);
    return {};
  }
  guint8 pixel[4] = {};
  const gsize middle = (static_cast<gsize>(GST_VIDEO_INFO_WIDTH(&info)) * (GST_VIDEO_INFO_HEIGHT(&info) / 2) +
                        GST_VIDEO_INFO_WIDTH(&info) / 2) *
                       4;
  gst_buffer_extract(gst_sample_get_buffer(converted.get()), middle, pixel, 4);
  return {pixel[0], pixel[1], pixel[2], pixel[3]};
}

TEST_F(LiveOutputTest, BlackIsBlackInManyFormats) {
  for (const char* format :
       {"I420", "NV12",  "YUY2",      "UYVY",      "Y444",      "RGB",  "BGR",    "RGBA",  "BGRA", "xRGB", "RGBx",
        "AYUV", "GRAY8", "GRAY16_LE", "P010_10LE", "I420_10LE", "v210", "ARGB64", "RGB16", "NV21", "A420"}) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, gst_video_format_from_string(format), 30, 22);
    const CapsPtr caps(gst_video_info_to_caps(&info));
    const BufferPtr picture = black_picture(caps.get());
    ASSERT_TRUE(picture) << format;
    const std::vector<int> pixel = middle_pixel(info, picture.get());
    ASSERT_EQ(pixel.size(), 4u) << format;
    for (int i = 0; i < 3; ++i) EXPECT_LE(pixel[static_cast<std::size_t>(i)], 2) << format;
    EXPECT_GE(pixel[3], 253) << format;
  }
}

TEST_F(LiveOutputTest, SilenceIsSilentInSignedUnsignedAndFloat) {
  for (const char* format : {"S16LE", "U8", "F32LE", "S32LE"}) {
    GstAudioInfo info;
    gst_audio_info_set_format(&info, gst_audio_format_from_string(format), 48000, 2, nullptr);
    const CapsPtr caps(gst_audio_info_to_caps(&info));
    const BufferPtr quiet = silence(caps.get(), 20 * GST_MSECOND);
    ASSERT_TRUE(quiet) << format;
    EXPECT_EQ(gst_buffer_get_size(quiet.get()), 960u * static_cast<gsize>(GST_AUDIO_INFO_BPF(&info)));
    guint8 first = 1;
    gst_buffer_extract(quiet.get(), 0, &first, 1);
    EXPECT_EQ(first, std::string(format) == "U8" ? 128 : 0) << format;
  }
}

TEST_F(LiveOutputTest, CapsOfSomethingElseGiveNothing_n) {
  const CapsPtr text(gst_caps_from_string("text/x-raw"));
  EXPECT_FALSE(black_picture(text.get()));
  EXPECT_FALSE(silence(text.get(), GST_SECOND));
}

}  // namespace
}  // namespace liveedit::testing
