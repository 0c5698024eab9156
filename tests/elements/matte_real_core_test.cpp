// SPDX-License-Identifier: LGPL-2.1-or-later
// rvmmatte with the real core and real weights, on a film of a man in a car. Skips where these are absent.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include <gst/app/gstappsink.h>
#include <gtest/gtest.h>

#include "tests/elements/matte_harness.h"

namespace liveedit::testing {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

fs::path data() {
  const char* folder = std::getenv("LIVEEDIT_TEST_DATA");
  return folder ? folder : "";
}

// Frames of a film as RGB; rows without padding, as its width is a multiple of four.
std::vector<Bytes> film_frames(const std::string& path, int count) {
  std::vector<Bytes> frames;
  GstElement* pipeline = gst_parse_launch(("filesrc location=" + path +
                                           " ! decodebin ! videoconvert ! video/x-raw,format=RGB ! appsink name=out "
                                           "sync=false max-buffers=4")
                                              .c_str(),
                                          nullptr);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (static_cast<int>(frames.size()) < count) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 60 * GST_SECOND);
    if (!sample) break;
    frames.push_back(bytes_of(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(out);
  gst_object_unref(pipeline);
  return frames;
}

class RealMatte : public ::testing::Test {
 protected:
  static constexpr int kWidth = 176, kHeight = 144;
  static constexpr const char* kCaps = "video/x-raw,format=RGB,width=176,height=144,framerate=25/1";

  void SetUp() override {
    weights_ = (data() / "weights/rvm_mobilenetv3.safetensors").string();
    const std::string film = (data() / "media/carphone_pristine.mp4").string();
    for (const std::string& file : {weights_, film}) {
      if (!fs::exists(file)) GTEST_SKIP() << "there is no " << file << " (LIVEEDIT_TEST_DATA)";
    }
    frames_ = film_frames(film, 8);
    ASSERT_EQ(frames_.size(), 8u);
    ASSERT_EQ(frames_[0].size(), std::size_t{kWidth} * kHeight * 3);
  }

  std::string with_weights(const std::string& properties) const { return "model=" + weights_ + " " + properties; }

  GstFlowReturn push(MatteHarness& filter, int index) const {
    GstBuffer* frame = filter.frame(index);
    gst_buffer_fill(frame, 0, frames_[index].data(), frames_[index].size());
    return gst_harness_push(filter.video(), frame);
  }

  // What comes out for the frames from `first` on.
  std::vector<Bytes> run(MatteHarness& filter, int count, int first = 0) const {
    for (int i = first; i < first + count; ++i) EXPECT_EQ(push(filter, i), GST_FLOW_OK);
    gst_harness_push_event(filter.video(), gst_event_new_gap(pts_of_frame(first + count), 1));
    std::vector<Bytes> pictures;
    for (const BufferPtr& buffer : filter.take_all()) pictures.push_back(bytes_of(buffer.get()));
    EXPECT_EQ(pictures.size(), static_cast<std::size_t>(count));
    return pictures;
  }

  std::vector<Bytes> run(const std::string& properties, int count) const {
    MatteHarness filter(with_weights(properties), kCaps);
    return run(filter, count);
  }

  // Mean of a box of a matte, 0 to 255.
  static double mean(const Bytes& matte, int left, int top, int right, int bottom) {
    double sum = 0;
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) sum += matte[y * kWidth + x];
    return sum / ((right - left) * (bottom - top));
  }

  static double difference(const Bytes& a, const Bytes& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
    return sum / a.size();
  }

  std::string weights_;
  std::vector<Bytes> frames_;
};

TEST_F(RealMatte, FindsTheManAndNotTheCar) {
  for (const Bytes& matte : run("output=matte", 8)) {
    EXPECT_GT(mean(matte, 80, 60, 110, 90), 245) << "his face";
    EXPECT_LT(mean(matte, 0, 0, 30, 20), 15) << "the roof of the car";
  }
}

TEST_F(RealMatte, RgbaIsTheVeryPictureAndTheMatteOfTheMatteOutput) {
  const std::vector<Bytes> rgba = run("", 3), matte = run("output=matte", 3);
  for (int i = 0; i < 3; ++i) {
    for (int pixel = 0; pixel < kWidth * kHeight; ++pixel) {
      for (int channel = 0; channel < 3; ++channel)
        ASSERT_EQ(rgba[i][4 * pixel + channel], frames_[i][3 * pixel + channel]);
      ASSERT_EQ(rgba[i][4 * pixel + 3], matte[i][pixel]);
    }
  }
}

TEST_F(RealMatte, CompositeIsTheManBeforeTheColour) {
  const std::vector<Bytes> made = run("output=composite background-color=0xff2040c0", 3),
                           matte = run("output=matte", 3);
  const int colour[] = {0x20, 0x40, 0xc0};
  for (int pixel = 0; pixel < kWidth * kHeight; ++pixel) {
    for (int channel = 0; channel < 3; ++channel) {
      const int value = made[2][3 * pixel + channel];
      if (matte[2][pixel] == 0) {
        ASSERT_NEAR(value, colour[channel], 1) << pixel;
      }
      if (matte[2][pixel] == 255) {
        ASSERT_NEAR(value, frames_[2][3 * pixel + channel], 40) << pixel;
      }
    }
  }
}

// A first frame has nothing to remember; looked at three times, it is nearer to what the film settles at.
TEST_F(RealMatte, TheFirstMatteIsAsGoodAsThoseThatFollow) {
  const auto first = [&](const std::string& properties) { return run("output=matte " + properties, 1)[0]; };
  EXPECT_EQ(first(""), first("warm-up=3")) << "is the default";
  const Bytes settled = [&] {
    MatteHarness filter(with_weights("output=matte warm-up=0"), kCaps);
    std::vector<Bytes> still;
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(push(filter, 0), GST_FLOW_OK);
      still.push_back(bytes_of(filter.wait_frame().get()));
    }
    return still.back();
  }();
  EXPECT_LT(difference(first(""), settled), 0.6 * difference(first("warm-up=0"), settled));
}

// The states are lost three times in a film: by a flush, by another format, and by a gap.
TEST_F(RealMatte, LostStatesBeginAnewAsIfTheFilmBeganThere) {
  const std::vector<Bytes> fresh = run("output=matte", 3);
  MatteHarness filter(with_weights("output=matte"), kCaps);
  EXPECT_EQ(run(filter, 3), fresh);
  filter.flush();
  EXPECT_EQ(run(filter, 3), fresh);
  filter.set_caps("video/x-raw,format=I420,width=33,height=17,framerate=25/1");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  EXPECT_TRUE(filter.wait_frame());
  filter.set_caps(kCaps);
  EXPECT_EQ(run(filter, 3), fresh);
  GstBuffer* frame = filter.frame(0);
  gst_buffer_fill(frame, 0, frames_[0].data(), frames_[0].size());
  GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_PTS(frame) = 3600 * GST_SECOND;
  ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.wait_frame().get()), fresh[0]);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

TEST_F(RealMatte, RemembersAndForgets) {
  MatteHarness filter(with_weights("output=matte"), kCaps);
  const std::vector<Bytes> first = run(filter, 4);
  filter.flush();
  EXPECT_EQ(run(filter, 4), first) << "as if nothing had been before";
  const Bytes alone = [&] {
    MatteHarness other(with_weights("output=matte"), kCaps);
    return run(other, 1, 3)[0];
  }();
  EXPECT_NE(alone, first[3]) << "the network does not remember";
  g_object_set(filter.element(), "enabled", FALSE, nullptr);
  EXPECT_EQ(run(filter, 1, 2)[0], Bytes(std::size_t{kWidth} * kHeight, 255));
  g_object_set(filter.element(), "enabled", TRUE, nullptr);
  EXPECT_EQ(run(filter, 1, 3)[0], alone);
}

TEST_F(RealMatte, FeatherAndThresholdChangeTheMatteAsTheySay) {
  const Bytes plain = run("output=matte", 1)[0], soft = run("output=matte feather=4", 1)[0],
              hard = run("output=matte threshold=0.5", 1)[0];
  const auto fractions = [](const Bytes& matte) {
    return std::count_if(matte.begin(), matte.end(), [](int value) { return value > 10 && value < 245; });
  };
  EXPECT_GT(fractions(soft), 2 * fractions(plain));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] <= 127) {
      ASSERT_EQ(hard[i], 0);
    }
  }
}

TEST_F(RealMatte, AReusedMatteIsTheOneBefore) {
  MatteHarness filter(with_weights("output=matte inference-interval=2"), kCaps);
  const std::vector<Bytes> mattes = run(filter, 4);
  EXPECT_EQ(mattes[0], mattes[1]);
  EXPECT_NE(mattes[1], mattes[2]);
  EXPECT_EQ(stat(filter.element(), "frames-reused"), 2u);
}

TEST_F(RealMatte, AnyFormatAndSize) {
  for (const char* output : {"rgba", "cutout", "matte", "composite background-blur=3"}) {
    for (const char* format : {"RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"}) {
      for (const char* size : {"width=1,height=1", "width=3,height=5", "width=33,height=17"}) {
        MatteHarness filter(with_weights(std::string("output=") + output),
                            std::string("video/x-raw,framerate=25/1,format=") + format + "," + size);
        for (int i = 0; i < 2; ++i) ASSERT_EQ(filter.push(i, 60), GST_FLOW_OK) << output << format << size;
        filter.eos();
        EXPECT_EQ(filter.take_all().size(), 2u);
        EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty()) << output << format << size;
      }
    }
  }
}

TEST_F(RealMatte, CapsThatChangeEveryTenFramesLoseNothing) {
  MatteHarness filter(with_weights("output=matte"), kCaps);
  int index = 0;
  for (int change = 0; change < 6; ++change) {
    filter.set_caps("video/x-raw,format=I420,framerate=25/1,width=" + std::to_string(16 + 13 * change) +
                    ",height=" + std::to_string(90 - 11 * change));
    for (int i = 0; i < 10; ++i) ASSERT_EQ(filter.push(index++, 90), GST_FLOW_OK);
  }
  filter.eos();
  EXPECT_EQ(filter.take_all().size(), 60u);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

TEST_F(RealMatte, StatsTellWhatRuns) {
  MatteHarness filter(with_weights("device=cpu"), kCaps);
  run(filter, 2);
  const StructurePtr stats = stats_of(filter.element());
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "variant"), "mobilenetv3");
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "device"), "cpu");
  EXPECT_TRUE(fs::equivalent(gst_structure_get_string(stats.get(), "model"), weights_));
  EXPECT_GT(stat(filter.element(), "memory"), 1000000u);
}

TEST(RealMatteErrors, MissingWeightsTellTheFoldersAndWhatToDo_n) {
  g_setenv("LIVEEDIT_MODELS", "/nowhere/models", TRUE);
  g_setenv("XDG_DATA_HOME", "/nowhere/share", TRUE);
  const Complaint complaint = load_error("rvmmatte", "");
  g_unsetenv("LIVEEDIT_MODELS");
  g_unsetenv("XDG_DATA_HOME");
  EXPECT_EQ(complaint.domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(complaint.code, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_NE(complaint.text.find("/nowhere/models"), std::string::npos) << complaint.text;
  EXPECT_NE(complaint.text.find("rvm_mobilenetv3"), std::string::npos) << complaint.text;
  EXPECT_NE(complaint.text.find("scripts/convert-weights"), std::string::npos) << complaint.text;
}

TEST_F(RealMatte, AFileThatIsCutShortOrNoSuchNetworkIsOneErrorThatNamesIt_n) {
  const fs::path copy = fs::temp_directory_path() / ("liveedit-cut-" + std::to_string(g_random_int()) + ".safetensors");
  fs::copy(weights_, copy);
  fs::resize_file(copy, fs::file_size(copy) / 2);
  const Complaint cut = load_error("rvmmatte", copy.string());
  fs::remove(copy);
  EXPECT_EQ(cut.code, GST_RESOURCE_ERROR_READ) << cut.text;
  EXPECT_NE(cut.text.find(copy.filename().string()), std::string::npos) << cut.text;
  const fs::path other = data() / "weights/taesd";
  for (const auto& entry : fs::directory_iterator(fs::exists(other) ? other : data())) {
    if (entry.path().extension() != ".safetensors") continue;
    const Complaint wrong = load_error("rvmmatte", entry.path().string());
    EXPECT_EQ(wrong.code, GST_RESOURCE_ERROR_READ) << wrong.text;
    EXPECT_NE(wrong.text.find(entry.path().filename().string()), std::string::npos) << wrong.text;
  }
}

/* ---- weights that tests/golden/rvm.py makes ---- */

std::string golden(const std::string& name) {
  return (fs::path(LIVEEDIT_BUILD_DIR) / "golden/rvm" / name).string();
}

TEST(GoldenMatte, ResNet50RunsAndSaysSo) {
  for (const char* ratio : {"1", "0.5"}) {
    MatteHarness filter(
        "output=matte device=cpu downsample-ratio=" + std::string(ratio) + " model=" + golden("resnet50.safetensors"),
        "video/x-raw,format=RGB,width=72,height=50,framerate=25/1");
    std::vector<Bytes> mattes;
    for (int i = 0; i < 3; ++i) {
      GstBuffer* frame = filter.frame(i);
      Bytes bytes(gst_buffer_get_size(frame));
      for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::uint8_t>(k * (i + 3) / 7);
      gst_buffer_fill(frame, 0, bytes.data(), bytes.size());
      ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
      mattes.push_back(bytes_of(filter.wait_frame().get()));
    }
    EXPECT_STREQ(gst_structure_get_string(stats_of(filter.element()).get(), "variant"), "resnet50");
    EXPECT_EQ(stat(filter.element(), "frames-matted"), 3u);
    EXPECT_NE(mattes[1], mattes[2]);
    EXPECT_GT(std::set<std::uint8_t>(mattes[0].begin(), mattes[0].end()).size(), 10u) << "nothing to see";
    EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
  }
}

TEST(GoldenMatte, AVariantWhoseTensorsDoNotFitSaysWhich_n) {
  const Complaint wrong = load_error("rvmmatte", golden("incomplete.safetensors"));
  EXPECT_EQ(wrong.code, GST_RESOURCE_ERROR_READ) << wrong.text;
  for (const char* part : {"mobilenetv3 variant", "decoder.decode2.gru.hh.0.weight", "incomplete.safetensors"}) {
    EXPECT_NE(wrong.text.find(part), std::string::npos) << wrong.text;
  }
}

// Every number that a network can give wrong: the frame wears the last matte, and nothing is NaN.
TEST(GoldenMatte, NoNumbersHoldTheLastMatteAndHideTheRoomBeforeTheFirst_n) {
  MatteHarness filter("output=composite background-color=0xff10f020 downsample-ratio=1 device=cpu model=" +
                          golden("overflowing.safetensors"),
                      "video/x-raw,format=RGB,width=40,height=40,framerate=25/1");
  ASSERT_EQ(filter.push(0, 255), GST_FLOW_OK);
  const Bytes first = bytes_of(filter.wait_frame().get());
  EXPECT_EQ(Bytes(first.begin(), first.begin() + 3), (Bytes{0x10, 0xf0, 0x20})) << "the room is shown";
  ASSERT_EQ(filter.push(1, 0), GST_FLOW_OK);
  filter.wait_frame();
  ASSERT_EQ(filter.push(2, 255), GST_FLOW_OK);
  filter.wait_frame();
  EXPECT_EQ(stat(filter.element(), "frames-held"), 2u);
  EXPECT_EQ(stat(filter.element(), "frames-matted"), 1u);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
}

TEST(GoldenMatte, EightKGoesThrough) {
  MatteHarness filter("output=matte device=cpu model=" + golden("mobilenetv3.safetensors"),
                      "video/x-raw,format=NV12,width=7680,height=4320,framerate=25/1");
  ASSERT_EQ(filter.push(0, 100), GST_FLOW_OK);
  EXPECT_EQ(gst_buffer_get_size(filter.wait_frame().get()), 7680u * 4320u);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

}  // namespace
}  // namespace liveedit::testing
