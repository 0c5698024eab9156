// SPDX-License-Identifier: LGPL-2.1-or-later
// rvmmatte: what goes wrong ends in one clear message; backgrounds from files.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/elements/error_kinds.h"
#include "tests/elements/matte_harness.h"

namespace liveedit::testing {
namespace {

namespace fs = std::filesystem;

TEST(MatteLoad, EachFailureIsOneError_n) {
  for (const ErrorKind kind : {ErrorKind::kNotFound, ErrorKind::kBadModel, ErrorKind::kUnavailable}) {
    MatteHarness filter("model=load-error=" + number_of(kind));
    EXPECT_EQ(filter.push(0), GST_FLOW_ERROR);
    EXPECT_EQ(filter.push(1), GST_FLOW_ERROR);
    const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].text, "load-error as asked for.");
  }
}

TEST(MatteLoad, AModelThatIsNotFoundFailsTheStateChange_n) {
  expect_no_start("videotestsrc ! rvmmatte model=find-error=0 ! fakesink");
}

// The second pixel of the frame that fails says that nobody is there, whatever the output; its room is never shown.
TEST(MatteFrame, OneThatFailsShowsNobodyWithOneWarningInItsPlace_n) {
  struct Case {
    const char* output;
    std::vector<std::uint8_t> good;
    std::vector<std::uint8_t> hidden;
  };
  const Case cases[] = {{"rgba", {40, 40, 40, 40}, {40, 40, 40, 0}},
                        {"cutout", {215, 215, 215, 40}, {0, 0, 0, 0}},
                        {"matte", {40}, {0}},
                        {"composite background-color=0xff123412", {0x12, 0x12, 0x12}, {0x12, 0x34, 0x12}}};
  for (const char* where : {"submit-error", "collect-error"}) {
    for (const char* depth : {"1", "3"}) {
      for (const Case& wanted : cases) {
        SCOPED_TRACE(std::string(where) + " depth " + depth + " " + wanted.output);
        MatteHarness filter(std::string("model=depth=") + depth + "," + where + "=" + number_of(ErrorKind::kInference) +
                            "@2 output=" + wanted.output);
        for (int i = 0; i < 6; ++i) ASSERT_EQ(filter.push(i, 40), GST_FLOW_OK);
        filter.eos();
        const std::vector<BufferPtr> out = filter.take_all();
        ASSERT_EQ(out.size(), 6u);
        for (int i = 0; i < 6; ++i) {
          EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
          const std::vector<std::uint8_t> bytes = bytes_of(out[i].get());
          const auto second = bytes.begin() + static_cast<std::ptrdiff_t>(wanted.good.size());
          EXPECT_EQ(std::vector(second, second + static_cast<std::ptrdiff_t>(wanted.good.size())),
                    i == 2 ? wanted.hidden : wanted.good)
              << i;
        }
        EXPECT_EQ(stat(filter.element(), "frames-held"), 1u);
        EXPECT_EQ(stat(filter.element(), "frames-passed"), 0u);
        EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
        EXPECT_TRUE(filter.complaints(GST_MESSAGE_ERROR).empty());
      }
    }
  }
}

// Where the picture would leave as it came, the formats being the same.
TEST(MatteFrame, AHiddenCompositeIsTheBackgroundInAnyFormat_n) {
  for (const char* format : {"RGB", "BGRx", "NV12", "I420"}) {
    MatteHarness filter(
        "output=composite background-color=0xff000000 model=submit-error=" + number_of(ErrorKind::kInference) + "@0",
        std::string("video/x-raw,width=17,height=9,framerate=25/1,format=") + format);
    ASSERT_EQ(filter.push(0, 200), GST_FLOW_OK);
    const BufferPtr out = filter.take();
    ASSERT_TRUE(out);
    for (int i = 0; i < 17; ++i) EXPECT_LE(bytes_of(out.get())[i], i % 4 == 3 ? 255 : 16) << format;
  }
}

TEST(MatteFrame, HeldOnesAreCountedAndWarnedOf) {
  MatteHarness filter("model=held=1");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(filter.push(i), GST_FLOW_OK);
  EXPECT_EQ(stat(filter.element(), "frames-held"), 1u);
  EXPECT_EQ(stat(filter.element(), "frames-matted"), 2u);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
}

TEST(MatteFrame, ABufferThatIsTooSmallIsAFormatError_n) {
  for (const char* enabled : {"true", "false"}) {
    MatteHarness filter(std::string("enabled=") + enabled);
    EXPECT_EQ(gst_harness_push(filter.video(), gst_buffer_new_allocate(nullptr, 10, nullptr)), GST_FLOW_ERROR);
    const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].domain, GST_STREAM_ERROR);
    EXPECT_EQ(errors[0].code, GST_STREAM_ERROR_FORMAT);
  }
}

TEST(MatteCapsRefused, OtherFormatsAreRefused_n) {
  MatteHarness filter("");
  for (const char* text : {"video/x-raw,format=GRAY8,width=16,height=8,framerate=25/1", "audio/x-raw,rate=8000"}) {
    GstCaps* caps = gst_caps_from_string(text);
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(filter.video()->srcpad, caps)) << text;
    gst_caps_unref(caps);
  }
}

TEST(MatteSettings, ImpossibleOnesAreAnErrorAtStartAndAWarningLater_n) {
  MatteHarness at_start("threshold=1");
  EXPECT_EQ(at_start.push(0), GST_FLOW_ERROR);
  const std::vector<Complaint> errors = at_start.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, GST_RESOURCE_ERROR_SETTINGS);
  MatteHarness later("");
  ASSERT_EQ(later.push(0), GST_FLOW_OK);
  g_object_set(later.element(), "threshold", 1.0, nullptr);
  for (int i = 1; i < 4; ++i) ASSERT_EQ(later.push(i), GST_FLOW_OK);
  EXPECT_EQ(later.complaints(GST_MESSAGE_WARNING).size(), 1u);
  EXPECT_EQ(stat(later.element(), "frames-matted"), 4u);
}

/* ---- background-image ---- */

class Background : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("liveedit-background-" + std::to_string(g_random_int()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs a pipeline to its end.
  static void write(const std::string& line) {
    GstElement* pipeline = gst_parse_launch(line.c_str(), nullptr);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus* bus = gst_element_get_bus(pipeline);
    MessagePtr end(gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND,
                                              static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    EXPECT_TRUE(end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS) << line;
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }

  // A picture file of one colour.
  std::string picture(const std::string& name, unsigned argb, const std::string& encoder) {
    const std::string path = (folder_ / name).string();
    write("videotestsrc num-buffers=1 pattern=solid-color foreground-color=" + std::to_string(argb) +
          " ! video/x-raw,format=RGB,width=21,height=13 ! videoconvert ! " + encoder + " ! filesink location=" + path);
    return path;
  }

  std::string text_file() {
    const std::string path = (folder_ / "letter.txt").string();
    std::ofstream(path) << "Dear Sir or Madam, this is no picture.\n";
    return path;
  }

  // The red of the background.
  static int shown(MatteHarness& filter, int index) {
    EXPECT_EQ(filter.push(index, 40), GST_FLOW_OK);
    const BufferPtr out = filter.take();
    return out ? bytes_of(out.get())[3] : -1;
  }

  fs::path folder_;
};

TEST_F(Background, IsAPictureFileAndMayChangeWhileFramesFlow) {
  const std::string first = picture("first.png", 0xffaa1100, "pngenc");
  const std::string second = picture("second.jpg", 0xff401080, "jpegenc quality=100");
  MatteHarness filter("output=composite background-color=0xff050505 background-image=" + first);
  EXPECT_EQ(shown(filter, 0), 0xaa);
  g_object_set(filter.element(), "background-image", second.c_str(), nullptr);
  EXPECT_NEAR(shown(filter, 1), 0x40, 3);
  g_object_set(filter.element(), "background-image", "", nullptr);
  EXPECT_EQ(shown(filter, 2), 5);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

// As a telephone writes it that was held upright: the picture lies on its side, and a tag says so.
TEST_F(Background, APhotographIsTurnedAsItsTagSays) {
  if (!gst_registry_check_feature_version(gst_registry_get(), "jpegparse", 1, 0, 0))
    GTEST_SKIP() << "this GStreamer has no jpegparse and jifmux, which know such tags";
  const std::string path = (folder_ / "photo.jpg").string();
  const std::string half = " ! video/x-raw,width=32,height=64 ! mix. ";
  const std::string colour = "videotestsrc num-buffers=1 pattern=solid-color foreground-color=";
  // Dark above, light below; turned by 90 degrees clockwise, light is left.
  write(
      "compositor name=mix sink_1::ypos=64 ! video/x-raw,format=I420,width=32,height=128 ! jpegenc quality=100 ! "
      "taginject tags=image-orientation=rotate-90 ! jifmux ! filesink location=" +
      path + " " + colour + "0xff202020" + half + colour + "0xffc0c0c0" + half);
  MatteHarness filter("output=composite background-image=" + path);
  EXPECT_GT(shown(filter, 0), 0x80) << "dark: it was not turned";
}

TEST_F(Background, OneThatCannotBeReadFailsAtStartWithOneErrorThatNamesIt_n) {
  const std::string letter = text_file();
  for (const auto& [path, code] : {std::pair(letter, GST_RESOURCE_ERROR_READ),
                                   std::pair((folder_ / "none.png").string(), GST_RESOURCE_ERROR_NOT_FOUND),
                                   std::pair(folder_.string(), GST_RESOURCE_ERROR_NOT_FOUND)}) {
    ElementOnBus matte("rvmmatte");
    g_object_set(matte.element(), "background-image", path.c_str(), nullptr);
    EXPECT_EQ(gst_element_set_state(matte.element(), GST_STATE_READY), GST_STATE_CHANGE_FAILURE) << path;
    const std::vector<Complaint> errors = matte.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u) << path;
    EXPECT_EQ(errors[0].domain, GST_RESOURCE_ERROR);
    EXPECT_EQ(errors[0].code, code) << errors[0].text;
    EXPECT_NE(errors[0].text.find(path), std::string::npos) << errors[0].text;
  }
}

TEST_F(Background, OneThatCannotBeReadWhileRunningIsWarnedOfAndTheOneBeforeStays_n) {
  MatteHarness filter("output=composite background-image=" + picture("first.png", 0xffaa1100, "pngenc"));
  EXPECT_EQ(shown(filter, 0), 0xaa);
  g_object_set(filter.element(), "background-image", text_file().c_str(), nullptr);
  EXPECT_EQ(shown(filter, 1), 0xaa);
  const std::vector<Complaint> warnings = filter.complaints(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].text.find("letter.txt"), std::string::npos) << warnings[0].text;
}

}  // namespace
}  // namespace liveedit::testing
