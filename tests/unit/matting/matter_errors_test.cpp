// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <fstream>
#include <limits>

#include "tests/unit/matting/matter_fixture.h"

namespace liveedit::test {
namespace {

namespace fs = std::filesystem;

class MatterErrors : public MatterTest {
 protected:
  template <typename Work>
  static std::string message_of(ErrorKind kind, Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(MatterErrors, NoWeightsNamesTheCommandAndThePlaces_n) {
  ::setenv("LIVEEDIT_MODELS", "/nowhere/one:/nowhere/two", 1);
  const std::string text = message_of(ErrorKind::kNotFound, [] { open(""); });
  EXPECT_TRUE(contains(text, "/nowhere/one/rvm_mobilenetv3.safetensors")) << text;
  EXPECT_TRUE(contains(text, "/nowhere/two/rvm_resnet50.safetensors")) << text;
  EXPECT_TRUE(contains(text, "curl -LO https://")) << text;
  EXPECT_TRUE(contains(text, "scripts/convert-weights")) << text;
  ::unsetenv("LIVEEDIT_MODELS");
  const std::string named = message_of(ErrorKind::kNotFound, [] { open("/nowhere/weights.safetensors"); });
  EXPECT_TRUE(contains(named, "'/nowhere/weights.safetensors'")) << named;
}

TEST_F(MatterErrors, WeightsAreFoundInTheFoldersOfTheEnvironment) {
  const fs::path folder = fs::path(testing::TempDir()) / "liveedit_matting_models";
  fs::create_directories(folder);
  fs::copy_file(golden("mobilenetv3.safetensors"), folder / "rvm_mobilenetv3.safetensors",
                fs::copy_options::overwrite_existing);
  ::setenv("LIVEEDIT_MODELS", folder.c_str(), 1);
  EXPECT_EQ(open("")->info().model, (folder / "rvm_mobilenetv3.safetensors").string());
  EXPECT_EQ(open("rvm_mobilenetv3.safetensors")->info().model, (folder / "rvm_mobilenetv3.safetensors").string());
  ::unsetenv("LIVEEDIT_MODELS");
  EXPECT_EQ(open(folder)->info().variant, "mobilenetv3");
  fs::remove_all(folder);
}

TEST_F(MatterErrors, PickleIsNeverOpened_n) {
  const fs::path file = fs::path(testing::TempDir()) / "rvm_mobilenetv3.pth";
  std::ofstream(file) << "anything";
  const std::string text = message_of(ErrorKind::kBadModel, [&] { open(file); });
  EXPECT_TRUE(contains(text, "convert-weights")) << text;
  fs::remove(file);
}

TEST_F(MatterErrors, BrokenWeightsSayWhich_n) {
  EXPECT_TRUE(contains(message_of(ErrorKind::kBadModel, [] { open(golden("incomplete.safetensors")); }),
                       "'decoder.decode2.gru.hh.0.weight' is missing"));
  EXPECT_TRUE(contains(message_of(ErrorKind::kBadModel, [] { open(golden("golden.safetensors")); }),
                       "no Robust Video Matting file"));
}

TEST_F(MatterErrors, DeviceAndDtypeThatCannotWork_n) {
  MatterConfig config;
  config.model = golden("mobilenetv3.safetensors").string();
  config.device = "cpu";
  for (const Dtype dtype : {Dtype::kFp16, Dtype::kBf16}) {
    config.dtype = dtype;
    message_of(ErrorKind::kSettings, [&] { core().create_matter(config, {}); });
  }
  config.dtype = Dtype::kAuto;
  config.threads = -1;
  message_of(ErrorKind::kSettings, [&] { core().create_matter(config, {}); });
  config.threads = 0;
  message_of(ErrorKind::kUnavailable, [&] { core().create_matter(config, [](const ProgressStep&) { return false; }); });
}

TEST_F(MatterErrors, SettingsOutOfRange_n) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  std::vector<MatteParams> wrong(11);
  wrong[0].downsample_ratio = 1.5F;
  wrong[1].downsample_ratio = -0.1F;
  wrong[2].threshold = 2;
  wrong[3].feather = -1;
  wrong[4].inference_interval = 0;
  wrong[5].similar_threshold = std::numeric_limits<float>::quiet_NaN();
  wrong[6].background_blur = -1;
  wrong[7].background_image = std::make_shared<const BackgroundPicture>();
  wrong[8].background_image = std::make_shared<const BackgroundPicture>(BackgroundPicture{4, 4, {1, 2, 3}});
  wrong[9].warm_up = -1;
  wrong[10].warm_up = 11;
  Image input = moving_image(16, 16, 0);
  for (const MatteParams& params : wrong) {
    message_of(ErrorKind::kSettings, [&] { stream->check(params); });
    message_of(ErrorKind::kSettings,
               [&] { stream->submit(1, input.view(), std::make_shared<const MatteParams>(params)); });
  }
  EXPECT_EQ(stream->collectable(), 0);
  matte(*stream, input, MatteParams());  // the stream goes on
}

TEST_F(MatterErrors, FramesThatDoNotFit_n) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const auto params = std::make_shared<const MatteParams>();
  Image gray(PixelFormat::kGray8, 16, 16);
  message_of(ErrorKind::kSettings, [&] { stream->submit(1, gray.view(), params); });
  Image input = moving_image(16, 16, 0);
  FrameView on_gpu = input.view();
  on_gpu.memory = MemoryKind::kCuda;
  message_of(ErrorKind::kSettings, [&] { stream->submit(1, on_gpu, params); });
  stream->submit(1, input.view(), params);
  message_of(ErrorKind::kSettings, [&] { stream->collect(input.view(), gray.view()); });
  Image small(PixelFormat::kRgba, 8, 8);
  message_of(ErrorKind::kSettings, [&] { stream->collect(input.view(), small.view()); });
  Image right(PixelFormat::kBgra, 16, 16);
  EXPECT_EQ(stream->collect(input.view(), right.view()).id, 1U);  // it was not lost
}

TEST_F(MatterErrors, NoNumbersHoldTheLastMatteAndTheStateBeginsAnew_n) {
  const auto stream = open(golden("overflowing.safetensors"));
  MatteParams params;
  params.output = MatteOutput::kMatte;
  params.downsample_ratio = 1;
  const Image black(PixelFormat::kRgb, 40, 40);
  Image white = black;
  for (int y = 0; y < 40; ++y) std::fill_n(&white.at(0, y, 0), 120, 255);
  Image made(PixelFormat::kGray8, 40, 40);
  const MatteResult unseen = matte(*stream, white, params, made);
  EXPECT_EQ(unseen.outcome, MatteOutcome::kHeld);
  EXPECT_FALSE(unseen.warning.empty());
  EXPECT_EQ(made.at(20, 20, 0), 0);  // nothing good to hold: nobody
  const Image good = matte(*stream, black, params);
  EXPECT_EQ(matte(*stream, white, params, made).outcome, MatteOutcome::kHeld);
  EXPECT_EQ(made, good);
  EXPECT_EQ(matte(*stream, black, params), good);  // as a first frame: the broken state is gone
  EXPECT_EQ(stream->stats().frames_held, 2U);
}

}  // namespace
}  // namespace liveedit::test
