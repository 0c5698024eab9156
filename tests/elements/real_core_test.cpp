// SPDX-License-Identifier: LGPL-2.1-or-later
// diffusionfilter with the real core: tiny random models made by the reference implementation, and the embedded model.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = fs::path(LIVEEDIT_BUILD_DIR) / "golden/img2img/models";
const std::string kTiny = "dtype=fp32 model=" + (kModels / "sd-turbo").string() + " ";

// A picture with something to see in it: a gradient in every byte.
GstBuffer* gradient(FilterHarness& filter, int index) {
  GstBuffer* buffer = filter.frame(index);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; ++i) map.data[i] = static_cast<guint8>(i * 7 + i / 48);
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

std::vector<std::uint8_t> one_picture(const std::string& properties,
                                      const std::string& caps = "video/x-raw,format=RGB,width=24,height=16") {
  FilterHarness filter(properties, caps + ",framerate=25/1");
  EXPECT_EQ(gst_harness_push(filter.video(), gradient(filter, 0)), GST_FLOW_OK);
  const BufferPtr out = filter.wait_frame();
  EXPECT_EQ(stat(filter.element(), "frames-edited") + stat(filter.element(), "frames-passed"), 1u);
  return out ? bytes_of(out.get()) : std::vector<std::uint8_t>();
}

std::vector<std::uint8_t> original() {
  FilterHarness filter("enabled=false", "video/x-raw,format=RGB,width=24,height=16,framerate=25/1");
  const BufferPtr buffer(gradient(filter, 0));
  return bytes_of(buffer.get());
}

double distance(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / a.size();
}

TEST(RealCore, TheSameSeedGivesTheSamePictureAndAnotherDoesNot) {
  const auto first = one_picture(kTiny + "prompt=cat seed=1 strength=0.8 num-inference-steps=4");
  EXPECT_EQ(first, one_picture(kTiny + "prompt=cat seed=1 strength=0.8 num-inference-steps=4"));
  EXPECT_NE(first, one_picture(kTiny + "prompt=cat seed=2 strength=0.8 num-inference-steps=4"));
  EXPECT_NE(first, one_picture(kTiny + "prompt=oil seed=1 strength=0.8 num-inference-steps=4"));
}

TEST(RealCore, StrengthZeroLeavesEveryBit) {
  EXPECT_EQ(one_picture(kTiny + "prompt=cat strength=0"), original());
}

TEST(RealCore, AnyFormatAndSize) {
  for (const char* format : {"RGB", "RGBx", "BGRx", "RGBA", "BGRA", "NV12", "I420"}) {
    for (const char* size : {"width=1,height=1", "width=3,height=5", "width=25,height=17", "width=48,height=32"}) {
      EXPECT_FALSE(one_picture(kTiny, std::string("video/x-raw,format=") + format + "," + size).empty())
          << format << " " << size;
    }
  }
}

TEST(RealCore, AlphaStays) {
  FilterHarness filter(kTiny, "video/x-raw,format=BGRA,width=9,height=7,framerate=25/1");
  const BufferPtr input(gradient(filter, 0));
  const std::vector<std::uint8_t> before = bytes_of(input.get());
  ASSERT_EQ(gst_harness_push(filter.video(), gst_buffer_ref(input.get())), GST_FLOW_OK);
  const std::vector<std::uint8_t> after = bytes_of(filter.wait_frame().get());
  for (std::size_t i = 3; i < before.size(); i += 4) ASSERT_EQ(after[i], before[i]);
  EXPECT_NE(after, before);
}

// The left third of the picture is matted, the middle half, the right not at all.
GstBuffer* matted(FilterHarness& filter, int index) {
  GstBuffer* buffer = gradient(filter, index);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize i = 3; i < map.size; i += 4) map.data[i] = i / 4 % 24 < 8 ? 255 : i / 4 % 24 < 16 ? 128 : 0;
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

// How many colour bytes of the columns from `first` on differ.
int differences(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, gsize first, gsize columns) {
  int count = 0;
  for (gsize i = 0; i < a.size(); ++i) {
    const gsize x = i / 4 % 24;
    if (i % 4 == 3) {
      EXPECT_EQ(a[i], b[i]) << "alpha";
    }
    if (i % 4 != 3 && x >= first && x < first + columns) count += a[i] != b[i];
  }
  return count;
}

TEST(RealCore, TheRegionMayChangeWhilePlayingAndTheRestStaysBitForBit) {
  FilterHarness filter(kTiny + "prompt=cat region=foreground",
                       "video/x-raw,format=RGBA,width=24,height=16,framerate=25/1");
  const BufferPtr input(matted(filter, 0));
  const std::vector<std::uint8_t> before = bytes_of(input.get());
  std::vector<std::vector<std::uint8_t>> after;
  for (const char* region : {"foreground", "background", "frame", "foreground"}) {
    gst_util_set_object_arg(G_OBJECT(filter.element()), "region", region);
    ASSERT_EQ(gst_harness_push(filter.video(), gst_buffer_copy_deep(input.get())), GST_FLOW_OK);
    after.push_back(bytes_of(filter.wait_frame().get()));
  }
  const int all = 8 * 16 * 3;
  EXPECT_EQ(differences(before, after[0], 16, 8), 0);
  EXPECT_GT(differences(before, after[0], 0, 8), all / 2);
  EXPECT_EQ(differences(before, after[1], 0, 8), 0);
  EXPECT_GT(differences(before, after[1], 16, 8), all / 2);
  EXPECT_GT(differences(before, after[2], 0, 24), all);
  EXPECT_EQ(differences(after[0], after[2], 0, 8), 0) << "where the matte is full, the edit is the whole frame's";
  EXPECT_EQ(differences(after[1], after[2], 16, 8), 0);
  EXPECT_EQ(after[3], after[0]);
}

TEST(RealCore, NobodyInThePictureIsCountedApart) {
  FilterHarness filter(kTiny + "region=foreground region-crop=true",
                       "video/x-raw,format=BGRA,width=24,height=16,framerate=25/1");
  for (int i = 0; i < 4; ++i) {
    GstBuffer* frame = filter.frame(i, i % 2 == 0 ? 200 : 0);  // alpha too
    ASSERT_EQ(gst_harness_push(filter.video(), frame), GST_FLOW_OK);
    const std::vector<std::uint8_t> out = bytes_of(filter.wait_frame().get());
    if (i % 2 == 1) {
      EXPECT_EQ(out, std::vector<std::uint8_t>(24 * 16 * 4, 0));
    }
  }
  EXPECT_EQ(stat(filter.element(), "frames-edited"), 2u);
  EXPECT_EQ(stat(filter.element(), "frames-passed"), 2u);
  EXPECT_EQ(stat(filter.element(), "frames-region-empty"), 2u);
  EXPECT_TRUE(filter.complaints(GST_MESSAGE_WARNING).empty());
}

TEST(RealCore, ARegionWithoutAMatteIsTheWholeFrameAndAWarning) {
  FilterHarness filter(kTiny + "region=background", "video/x-raw,format=I420,width=24,height=16,framerate=25/1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(filter.push(i, 90), GST_FLOW_OK);
    EXPECT_TRUE(filter.wait_frame());
  }
  EXPECT_EQ(stat(filter.element(), "frames-edited"), 3u);
  const std::vector<Complaint> warnings = filter.complaints(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].text.find("rvmmatte"), std::string::npos) << warnings[0].text;
}

TEST(RealCore, ABatchOfFourDelaysByThreeAndDrains) {
  // A GPU holds one frame more.
  FilterHarness filter(kTiny + "device=cpu num-inference-steps=50 t-index-list=18,26,35,45");
  for (int i = 0; i < 6; ++i) ASSERT_EQ(filter.push(i, 40 * i), GST_FLOW_OK);
  std::vector<BufferPtr> out = filter.take_all();
  EXPECT_EQ(out.size(), 3u);
  filter.eos();
  for (BufferPtr& buffer : filter.take_all()) out.push_back(std::move(buffer));
  ASSERT_EQ(out.size(), 6u);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(GST_BUFFER_PTS(out[i].get()), pts_of_frame(i));
}

// Frames beside each other, with the prompt and the noise changing between them.
TEST(RealCore, FramesSideBySideAreThoseOfOneAfterTheOther) {
  const auto pictures = [](const std::string& properties) {
    FilterHarness filter(kTiny + "threads=3 strength=0.8 num-inference-steps=4 wait-text=true prompt=cat " + properties,
                         "video/x-raw,format=RGB,width=24,height=16,framerate=25/1");
    for (int i = 0; i < 10; ++i) {
      g_object_set(filter.element(), "seed", static_cast<gint64>(i / 2), nullptr);
      EXPECT_EQ(gst_harness_push(filter.video(), gradient(filter, i)), GST_FLOW_OK);
    }
    filter.eos();
    std::vector<std::vector<std::uint8_t>> all;
    for (const BufferPtr& buffer : filter.take_all()) {
      EXPECT_EQ(GST_BUFFER_PTS(buffer.get()), pts_of_frame(static_cast<int>(all.size())));
      all.push_back(bytes_of(buffer.get()));
    }
    return all;
  };
  const auto one_by_one = pictures("acceleration=none");
  ASSERT_EQ(one_by_one.size(), 10u);
  EXPECT_NE(one_by_one[0], one_by_one[9]);
  EXPECT_EQ(pictures("acceleration=auto"), one_by_one);
}

TEST(RealCore, ASerializedPromptIsInItsFrame) {
  const std::string properties = kTiny + "strength=0.8 num-inference-steps=4 prompt=";
  FilterHarness filter(properties + "cat", "video/x-raw,format=RGB,width=24,height=16,framerate=25/1");
  gst_harness_push(filter.video(), gradient(filter, 0));
  GstStructure* fields = gst_structure_new("application/x-liveedit-prompt", "prompt", G_TYPE_STRING, "oil", nullptr);
  gst_harness_push_event(filter.video(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, fields));
  gst_harness_push(filter.video(), gradient(filter, 1));
  EXPECT_EQ(bytes_of(filter.wait_frame().get()), one_picture(properties + "cat"));
  EXPECT_EQ(bytes_of(filter.wait_frame().get()), one_picture(properties + "oil"));
}

TEST(RealCore, TwoElementsShareTheWeights) {
  FilterHarness first(kTiny);
  ASSERT_EQ(first.push(0), GST_FLOW_OK);
  FilterHarness second(kTiny);
  ASSERT_EQ(second.push(0), GST_FLOW_OK);
  std::string told;
  for (const MessagePtr& message : second.messages(GST_MESSAGE_PROGRESS)) {
    gchar* text = nullptr;
    gst_message_parse_progress(message.get(), nullptr, nullptr, &text);
    told += std::string(text) + "\n";
    g_free(text);
  }
  EXPECT_NE(told.find("shared"), std::string::npos) << told;
  EXPECT_EQ(told.find("UNet"), std::string::npos) << told;
}

TEST(RealCore, StatsTellWhatRuns) {
  FilterHarness filter(kTiny + "seed=7");
  ASSERT_EQ(filter.push(0), GST_FLOW_OK);
  const StructurePtr stats = stats_of(filter.element());
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "dtype"), "fp32");
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "scheduler"), "EulerDiscreteScheduler");
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "model"), (kModels / "sd-turbo").c_str());
  EXPECT_GT(stat(filter.element(), "memory"), 100000u);
}

TEST(RealCore, AMissingModelTellsFoldersAndTheCommand_n) {
  const Complaint id = load_error("diffusionfilter", "nobody/no-such-model");
  EXPECT_EQ(id.domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(id.code, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_NE(id.text.find("hf download nobody/no-such-model"), std::string::npos) << id.text;
  EXPECT_NE(id.text.find("models--nobody--no-such-model"), std::string::npos) << id.text;
  EXPECT_EQ(load_error("diffusionfilter", "/nowhere/at/all").code, GST_RESOURCE_ERROR_NOT_FOUND);
}

// Every file of a model, cut to half its length.
TEST(RealCore, ATruncatedFileIsOneErrorThatNamesIt_n) {
  const fs::path copy = fs::temp_directory_path() / ("liveedit-truncated-" + std::to_string(g_random_int()));
  for (const char* file : {"unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
                           "text_encoder/model.safetensors", "unet/config.json", "scheduler/scheduler_config.json",
                           "tokenizer/vocab.json", "model_index.json"}) {
    fs::copy(kModels / "sd-turbo", copy, fs::copy_options::recursive);
    fs::resize_file(copy / file, fs::file_size(copy / file) / 2);
    const Complaint complaint = load_error("diffusionfilter", copy.string());
    EXPECT_EQ(complaint.domain, GST_RESOURCE_ERROR) << file << ": " << complaint.text;
    EXPECT_EQ(complaint.code, GST_RESOURCE_ERROR_READ) << file << ": " << complaint.text;
    EXPECT_NE(complaint.text.find(fs::path(file).filename().string()), std::string::npos) << complaint.text;
    fs::remove_all(copy);
  }
}

TEST(RealCore, ImpossibleSettingsAreOneErrorInWords_n) {
  FilterHarness filter(kTiny + "t-index-list=1,60 num-inference-steps=50");
  EXPECT_EQ(filter.push(0), GST_FLOW_ERROR);
  const std::vector<Complaint> errors = filter.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, GST_RESOURCE_ERROR_SETTINGS);
  EXPECT_NE(errors[0].text.find("60"), std::string::npos) << errors[0].text;
}

// A network that gives infinite values.
TEST(RealCore, WhatIsNotFiniteNeverLeaves_n) {
  FilterHarness filter("dtype=fp32 model=" + (kModels / "bad-unet").string(),
                       "video/x-raw,format=RGB,width=24,height=16,framerate=25/1");
  ASSERT_EQ(gst_harness_push(filter.video(), gradient(filter, 0)), GST_FLOW_OK);
  EXPECT_EQ(bytes_of(filter.wait_frame().get()), original());
  EXPECT_EQ(stat(filter.element(), "frames-passed"), 1u);
  EXPECT_EQ(filter.complaints(GST_MESSAGE_WARNING).size(), 1u);
}

class EmbeddedModel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(fs::path(LIVEEDIT_SOURCE_DIR) / "models/sketchbook/unet")) {
      GTEST_SKIP() << "models/sketchbook has no weights; models/sketchbook/training makes them";
    }
  }

  static std::vector<std::uint8_t> look(const std::string& properties) {
    FilterHarness filter(properties, "video/x-raw,format=RGB,width=128,height=96,framerate=25/1");
    EXPECT_EQ(gst_harness_push(filter.video(), hills(filter)), GST_FLOW_OK);
    return bytes_of(filter.wait_frame().get());
  }

  // Green hills under a blue sky, roughly.
  static GstBuffer* hills(FilterHarness& filter) {
    GstBuffer* buffer = filter.frame(0);
    GstMapInfo map;
    gst_buffer_map(buffer, &map, GST_MAP_WRITE);
    for (int y = 0; y < 96; ++y) {
      for (int x = 0; x < 128; ++x) {
        const bool hill = y > 50 + 12 * std::sin(x / 15.0);
        guint8* pixel = map.data + (y * 128 + x) * 3;
        pixel[0] = hill ? 50 + y / 2 : 90 + y;
        pixel[1] = hill ? 120 + x / 4 : 150 + y;
        pixel[2] = hill ? 40 : 220;
      }
    }
    gst_buffer_unmap(buffer, &map);
    return buffer;
  }

  // Mean distance of the channels from grey.
  static double colour(const std::vector<std::uint8_t>& rgb) {
    double sum = 0;
    for (std::size_t i = 0; i < rgb.size(); i += 3) {
      sum += std::max({rgb[i], rgb[i + 1], rgb[i + 2]}) - std::min({rgb[i], rgb[i + 1], rgb[i + 2]});
    }
    return sum * 3 / rgb.size();
  }
};

TEST_F(EmbeddedModel, APencilSketchLosesItsColours) {
  const double before = colour(look("enabled=false"));
  EXPECT_GT(before, 60);
  EXPECT_LT(colour(look("prompt=\"pencil sketch\"")), before / 4);
}

TEST_F(EmbeddedModel, StrengthScalesTheEffectAndNoPromptHasLittle) {
  const auto untouched = look("enabled=false");
  const double none = distance(look(""), untouched);
  const double half = distance(look("prompt=\"pencil sketch\" strength=0.5"), untouched);
  const double full = distance(look("prompt=\"pencil sketch\" strength=1"), untouched);
  EXPECT_LT(none, half);
  EXPECT_LT(half, full);
  EXPECT_EQ(look("prompt=\"pencil sketch\" strength=0"), untouched);
}

}  // namespace
}  // namespace liveedit::testing
