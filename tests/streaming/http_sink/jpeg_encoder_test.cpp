// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/jpeg_encoder.h"

#include <turbojpeg.h>

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {
namespace {

// A picture of one colour, left half and right half, in `format`.
SamplePtr picture(const char* format, int width, int height, const char* colorimetry = nullptr) {
  std::string description =
      "videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xffc83214 ! video/x-raw,format=" +
      std::string(format) + ",width=" + std::to_string(width) + ",height=" + std::to_string(height);
  if (colorimetry) description += std::string(",colorimetry=") + colorimetry;
  description += " ! appsink name=sink sync=false";
  const ObjectPtr<GstElement> pipeline(gst_parse_launch(description.c_str(), nullptr));
  const ObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstSample* sample = nullptr;
  g_signal_emit_by_name(sink.get(), "pull-sample", &sample);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return SamplePtr(sample);
}

struct Picture {
  int width = 0, height = 0;
  std::vector<unsigned char> rgb;
};

Picture decode(const std::string& jpeg) {
  const tjhandle handle = tjInitDecompress();
  Picture picture;
  int sampling = 0, colorspace = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(jpeg.data());
  EXPECT_EQ(tjDecompressHeader3(handle, bytes, jpeg.size(), &picture.width, &picture.height, &sampling, &colorspace),
            0);
  picture.rgb.resize(static_cast<size_t>(picture.width) * picture.height * 3);
  EXPECT_EQ(
      tjDecompress2(handle, bytes, jpeg.size(), picture.rgb.data(), picture.width, 0, picture.height, TJPF_RGB, 0), 0);
  tjDestroy(handle);
  return picture;
}

TEST(Jpeg, EveryFormatKeepsItsColours) {
  for (const char* format : {"RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "I420",
                             "NV12", "YUY2", "Y444", "AYUV", "Y42B"}) {
    JpegEncoder encoder;
    const SamplePtr sample = picture(format, 64, 48);
    ASSERT_TRUE(sample) << format;
    const Picture seen = decode(encoder.encode(sample.get(), 90));
    EXPECT_EQ(seen.width, 64);
    EXPECT_EQ(seen.height, 48);
    const unsigned char* middle = &seen.rgb[(24 * 64 + 32) * 3];
    EXPECT_NEAR(middle[0], 200, 6) << format;
    EXPECT_NEAR(middle[1], 50, 6) << format;
    EXPECT_NEAR(middle[2], 20, 6) << format;
  }
}

TEST(Jpeg, MatricesOfVideoAreUndone) {
  for (const char* colorimetry : {"bt601", "bt709"}) {
    JpegEncoder encoder;
    const SamplePtr sample = picture("I420", 64, 48, colorimetry);
    ASSERT_TRUE(sample) << colorimetry;
    const Picture seen = decode(encoder.encode(sample.get(), 90));
    EXPECT_NEAR(seen.rgb[0], 200, 8) << colorimetry;
    EXPECT_NEAR(seen.rgb[1], 50, 8) << colorimetry;
  }
}

TEST(Jpeg, OddSizesAndSizesThatChange) {
  JpegEncoder encoder;
  for (const auto& [width, height] :
       {std::pair(1, 1), std::pair(33, 17), std::pair(2, 500), std::pair(641, 3), std::pair(64, 48)}) {
    for (const char* format : {"RGB", "I420"}) {
      const SamplePtr sample = picture(format, width, height);
      ASSERT_TRUE(sample);
      const Picture seen = decode(encoder.encode(sample.get(), 85));
      EXPECT_EQ(seen.width, width);
      EXPECT_EQ(seen.height, height);
      EXPECT_NEAR(seen.rgb[0], 200, 10);
    }
  }
}

TEST(Jpeg, QualityIsASize) {
  JpegEncoder encoder;
  const ObjectPtr<GstElement> pipeline(
      gst_parse_launch("videotestsrc num-buffers=1 pattern=snow ! video/x-raw,format=RGB,width=128,height=128 ! "
                       "appsink name=sink sync=false",
                       nullptr));
  const ObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstSample* sample = nullptr;
  g_signal_emit_by_name(sink.get(), "pull-sample", &sample);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  const SamplePtr noise(sample);
  const size_t low = encoder.encode(noise.get(), 1).size(), middle = encoder.encode(noise.get(), 50).size(),
               high = encoder.encode(noise.get(), 100).size();
  EXPECT_LT(low, middle);
  EXPECT_LT(middle, high);
}

}  // namespace
}  // namespace liveedit::streaming
