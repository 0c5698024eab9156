// SPDX-License-Identifier: LGPL-2.1-or-later
// The same frames and settings on a GPU and on the CPU, through the library's one door.
#include <algorithm>
#include <cstdlib>

#include "tests/unit/matting/matter_fixture.h"

namespace liveedit::test {
namespace {

class CudaMatter : public MatterTest {
 protected:
  void SetUp() override {
    if (core().info().cuda_devices.empty()) GTEST_SKIP() << "no GPU here";
  }
  static std::unique_ptr<Matter> open_on_gpu(const std::string& file, Dtype dtype = Dtype::kAuto) {
    MatterConfig config;
    config.model = golden(file).string();
    config.device = "cuda";
    config.dtype = dtype;
    return core().create_matter(config, {});
  }
  static int difference(const Image& a, const Image& b) {
    int largest = 0;
    for (int y = 0; y < a.height(); ++y) {
      for (int x = 0; x < a.width(); ++x) {
        for (int c = 0; c < a.channels(); ++c) largest = std::max(largest, std::abs(a.at(x, y, c) - b.at(x, y, c)));
      }
    }
    return largest;
  }
  static PixelFormat format_of(MatteOutput output) {
    if (output == MatteOutput::kMatte) return PixelFormat::kGray8;
    return output == MatteOutput::kComposite ? PixelFormat::kNv12 : PixelFormat::kBgra;
  }
};

TEST_F(CudaMatter, EveryOutputIsTheCpusPicture) {
  auto image = std::make_shared<BackgroundPicture>(BackgroundPicture{8, 8, std::vector<std::uint8_t>(192, 90)});
  std::vector<MatteParams> cases(9);
  cases[0].output = MatteOutput::kRgba;
  cases[1].output = MatteOutput::kCutout;
  cases[2].output = MatteOutput::kMatte;
  cases[3].output = MatteOutput::kComposite;
  cases[4].output = MatteOutput::kComposite;
  cases[4].background_image = image;
  cases[5].output = MatteOutput::kComposite;
  cases[5].background_blur = 6;
  cases[6].output = MatteOutput::kMatte;
  cases[6].feather = 5;
  cases[6].threshold = 0.1F;
  cases[7].output = MatteOutput::kCutout;
  cases[7].downsample_ratio = 1;
  cases[8].output = MatteOutput::kRgba;
  cases[8].downsample_ratio = 0.4F;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].downsample_ratio == 0) cases[i].downsample_ratio = 0.5F;
    const auto cpu = open(golden("mobilenetv3.safetensors"));
    const auto gpu = open_on_gpu("mobilenetv3.safetensors");
    EXPECT_EQ(gpu->info().dtype, "fp16");
    for (int frame = 0; frame < 5; ++frame) {
      Image expected(format_of(cases[i].output), 131, 90);
      Image made(format_of(cases[i].output), 131, 90);
      matte(*cpu, moving_image(131, 90, frame), cases[i], expected);
      EXPECT_EQ(matte(*gpu, moving_image(131, 90, frame), cases[i], made).outcome, MatteOutcome::kMatted);
      EXPECT_LE(difference(expected, made), 3) << "case " << i << " frame " << frame;
    }
  }
}

TEST_F(CudaMatter, Fp32IsTheCpusPictureToOneLevel) {
  const auto cpu = open(golden("resnet50.safetensors"));
  const auto gpu = open_on_gpu("resnet50.safetensors", Dtype::kFp32);
  MatteParams params;
  params.output = MatteOutput::kMatte;
  for (int frame = 0; frame < 4; ++frame) {
    Image expected(PixelFormat::kGray8, 96, 64);
    Image made(PixelFormat::kGray8, 96, 64);
    matte(*cpu, moving_image(96, 64, frame), params, expected);
    matte(*gpu, moving_image(96, 64, frame), params, made);
    EXPECT_LE(difference(expected, made), 1) << frame;
  }
}

TEST_F(CudaMatter, FramesInFlightKeepTheirOrderAndTheirSizes) {
  const auto stream = open_on_gpu("mobilenetv3.safetensors");
  EXPECT_EQ(stream->depth(), 2);
  const auto params = std::make_shared<const MatteParams>();
  std::vector<Image> expected;
  const auto width_of = [](int i) { return i < 12 ? 64 : 80; };
  for (int i = 0; i < 24; ++i) expected.push_back(matte(*stream, moving_image(width_of(i), 48, i), *params));
  stream->reset();
  int collected = 0;
  const auto collect_one = [&] {
    Image input = moving_image(width_of(collected), 48, collected);
    // Formats change while frames are inside.
    Image output(collected % 7 == 6 ? PixelFormat::kBgra : PixelFormat::kRgba, width_of(collected), 48);
    const MatteResult result = stream->collect(input.view(), output.view());
    EXPECT_EQ(result.id, static_cast<std::uint64_t>(collected));
    int wrong = 0;
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < output.width(); ++x) {
        for (int c = 0; c < 4; ++c) {
          const int from = output.format() == PixelFormat::kBgra && c < 3 ? 2 - c : c;
          wrong += std::abs(output.at(x, y, c) - expected[collected].at(x, y, from)) > 1;
        }
      }
    }
    EXPECT_EQ(wrong, 0) << collected;
    ++collected;
  };
  for (int i = 0; i < 24; ++i) {
    Image input = moving_image(width_of(i), 48, i);
    stream->submit(i, input.view(), params);
    while (stream->collectable() >= 2) collect_one();
  }
  while (stream->collectable() > 0) collect_one();
  EXPECT_EQ(collected, 24);
}

TEST_F(CudaMatter, ReuseAndAnySize) {
  const auto stream = open_on_gpu("mobilenetv3.safetensors");
  MatteParams params;
  params.output = MatteOutput::kMatte;
  params.similar_threshold = 0.01F;
  Image made(PixelFormat::kGray8, 40, 32);
  std::vector<MatteOutcome> outcomes;
  for (const int shift : {0, 10, 10, 0}) {
    outcomes.push_back(matte(*stream, moving_image(40, 32, shift), params, made).outcome);
  }
  EXPECT_EQ(outcomes[2], MatteOutcome::kReused);
  EXPECT_EQ(outcomes[3], MatteOutcome::kMatted);
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 33}, {33, 1}, {2, 3}, {1281, 721}, {7680, 4320}}) {
    Image output(PixelFormat::kGray8, width, height);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(matte(*stream, moving_image(width, height, 40 * i), MatteParams{.output = MatteOutput::kMatte}, output)
                    .outcome,
                MatteOutcome::kMatted);
    }
  }
}

TEST_F(CudaMatter, NoNumbersHoldTheLastMatteAndTheStateBeginsAnew_n) {
  const auto stream = open_on_gpu("overflowing.safetensors");
  MatteParams params;
  params.output = MatteOutput::kMatte;
  params.downsample_ratio = 1;
  const Image black(PixelFormat::kRgb, 40, 40);
  Image white = black;
  for (int y = 0; y < 40; ++y) std::fill_n(&white.at(0, y, 0), 120, 255);
  Image made(PixelFormat::kGray8, 40, 40);
  EXPECT_EQ(matte(*stream, white, params, made).outcome, MatteOutcome::kHeld);
  EXPECT_EQ(made.at(20, 20, 0), 0);
}

}  // namespace
}  // namespace liveedit::test
