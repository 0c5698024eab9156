// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/unit/matting/matter_fixture.h"

namespace liveedit::test {
namespace {

namespace fs = std::filesystem;

MatteParams params_of(MatteOutput output, float ratio = 1) {
  MatteParams params;
  params.output = output;
  params.downsample_ratio = ratio;
  return params;
}

// The largest distance of a GRAY8 matte to alpha values 0..1, in levels.
double distance(const Image& matte, const float* alpha) {
  double largest = 0;
  for (int y = 0; y < matte.height(); ++y) {
    for (int x = 0; x < matte.width(); ++x) {
      largest = std::max<double>(largest, std::abs(matte.at(x, y, 0) - 255.0 * alpha[y * matte.width() + x]));
    }
  }
  return largest;
}

TEST_F(MatterTest, MattesAreTheReferencesAtAnySizeAndRatio) {
  const GoldenValues values(golden("golden.safetensors"));
  for (int i = 0; values.has("mobilenetv3." + std::to_string(i) + ".alpha"); ++i) {
    const std::string prefix = "mobilenetv3." + std::to_string(i) + ".";
    const auto stream = open(golden("mobilenetv3.safetensors"));
    const std::vector<float> alpha = values.floats(prefix + "alpha");
    const float ratio = values.floats(prefix + "ratio")[0];
    for (int f = 0; f < 3; ++f) {
      const Image input = values.frame(prefix + "frames", f);
      const Image made = matte(*stream, input, params_of(MatteOutput::kMatte, ratio));
      EXPECT_LT(distance(made, &alpha[static_cast<std::size_t>(f) * input.width() * input.height()]), 0.55)
          << prefix << f;
    }
  }
}

TEST_F(MatterTest, PublishedWeightsGiveTheAuthorsMattes) {
  const char* data = std::getenv("LIVEEDIT_TEST_DATA");
  const fs::path folder = data == nullptr ? "" : data;
  if (!fs::exists(folder / "reference/rvm_mobilenetv3.safetensors")) GTEST_SKIP() << "no RVM files in " << folder;
  const GoldenValues values(folder / "reference/rvm_mobilenetv3.safetensors");
  for (const float ratio : {1.0F, 0.5F}) {
    const auto stream = open(folder / "weights/rvm_mobilenetv3.safetensors");
    const std::vector<float> alpha =
        values.floats(ratio == 1 ? "astronaut_ratio1.0.alpha" : "astronaut_ratio0.5.alpha");
    for (int f = 0; f < 3; ++f) {
      const Image made = matte(*stream, values.frame("astronaut_rgb_u8", f), params_of(MatteOutput::kMatte, ratio));
      // 2e-3, and half a level from rounding.
      EXPECT_LT(distance(made, &alpha[static_cast<std::size_t>(f) * 512 * 512]), 0.51 + 0.5) << ratio << " " << f;
    }
  }
}

TEST_F(MatterTest, RgbaIsThePictureBitByBitWithTheMatteInItsAlpha) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(77, 45, 0);
  const Image alpha = matte(*stream, input, params_of(MatteOutput::kMatte));
  for (const PixelFormat in :
       {PixelFormat::kRgb, PixelFormat::kRgbx, PixelFormat::kBgrx, PixelFormat::kRgba, PixelFormat::kBgra}) {
    for (const PixelFormat out : {PixelFormat::kRgba, PixelFormat::kBgra}) {
      stream->reset();
      Image other(in, 77, 45);
      const bool swapped = in == PixelFormat::kBgrx || in == PixelFormat::kBgra;
      for (int y = 0; y < 45; ++y) {
        for (int x = 0; x < 77; ++x) {
          for (int c = 0; c < 3; ++c) other.at(x, y, swapped ? 2 - c : c) = input.at(x, y, c);
        }
      }
      Image made(out, 77, 45);
      EXPECT_EQ(matte(*stream, other, params_of(MatteOutput::kRgba), made).outcome, MatteOutcome::kMatted);
      int wrong = 0;
      for (int y = 0; y < 45; ++y) {
        for (int x = 0; x < 77; ++x) {
          for (int c = 0; c < 3; ++c) {
            wrong += made.at(x, y, out == PixelFormat::kBgra ? 2 - c : c) != input.at(x, y, c);
          }
          wrong += made.at(x, y, 3) != alpha.at(x, y, 0);
        }
      }
      EXPECT_EQ(wrong, 0) << static_cast<int>(in) << " -> " << static_cast<int>(out);
    }
  }
}

TEST_F(MatterTest, CutoutWearsTheNetworksForeground) {
  const GoldenValues values(golden("golden.safetensors"));
  for (const int i : {0, 1}) {
    const std::string prefix = "mobilenetv3." + std::to_string(i) + ".";
    const auto stream = open(golden("mobilenetv3.safetensors"));
    const std::vector<float> foreground = values.floats(prefix + "foreground");
    const Image input = values.frame(prefix + "frames", 0);
    const Image made = matte(*stream, input, params_of(MatteOutput::kCutout, values.floats(prefix + "ratio")[0]));
    const std::size_t plane = static_cast<std::size_t>(input.width()) * input.height();
    double largest = 0;
    int changed = 0;
    for (int y = 0; y < input.height(); ++y) {
      for (int x = 0; x < input.width(); ++x) {
        for (int c = 0; c < 3; ++c) {
          const float expected = 255 * foreground[plane * c + static_cast<std::size_t>(y) * input.width() + x];
          largest = std::max<double>(largest, std::abs(made.at(x, y, c) - expected));
          changed += made.at(x, y, c) != input.at(x, y, c);
        }
      }
    }
    EXPECT_LT(largest, 0.55) << prefix;
    EXPECT_GT(changed, 0) << prefix;
  }
}

TEST_F(MatterTest, CompositeStandsInFrontOfTheColour) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(90, 60, 3);
  const Image cutout = matte(*stream, input, params_of(MatteOutput::kCutout, 0.5F));
  stream->reset();
  MatteParams params = params_of(MatteOutput::kComposite, 0.5F);
  params.background_color = 0xff2040e0;
  const Image made = matte(*stream, input, params);
  const int color[3] = {0x20, 0x40, 0xe0};
  double largest = 0;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 90; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double alpha = cutout.at(x, y, 3) / 255.0;
        const double expected = alpha * cutout.at(x, y, c) + (1 - alpha) * color[c];
        largest = std::max(largest, std::abs(made.at(x, y, c) - expected));
      }
    }
  }
  EXPECT_LT(largest, 1.6);
}

TEST_F(MatterTest, CompositeInAnyFormatIsTheSamePicture) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(64, 48, 3);
  const MatteParams params = params_of(MatteOutput::kComposite);
  const Image rgb = matte(*stream, input, params);
  for (const PixelFormat format : {PixelFormat::kBgra, PixelFormat::kRgbx, PixelFormat::kNv12, PixelFormat::kI420}) {
    stream->reset();
    Image made(format, 64, 48);
    matte(*stream, input, params, made);
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < 64; ++x) {
        if (made.channels() == 1) {  // BT.601, limited range
          const double luma = 0.299 * rgb.at(x, y, 0) + 0.587 * rgb.at(x, y, 1) + 0.114 * rgb.at(x, y, 2);
          ASSERT_NEAR(made.at(x, y, 0), 16 + luma * 219 / 255, 1.2);
        } else {
          const int red = format == PixelFormat::kBgra ? 2 : 0;
          ASSERT_EQ(made.at(x, y, red), rgb.at(x, y, 0));
          ASSERT_EQ(made.at(x, y, 2 - red), rgb.at(x, y, 2));
          ASSERT_EQ(made.at(x, y, 3), 255);
        }
      }
    }
  }
}

TEST_F(MatterTest, ATranslucentColourStaysTranslucent) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(40, 30, 0);
  const Image alpha = matte(*stream, input, params_of(MatteOutput::kMatte));
  stream->reset();
  MatteParams params = params_of(MatteOutput::kComposite);
  params.background_color = 0x00000000;
  Image made(PixelFormat::kRgba, 40, 30);
  matte(*stream, input, params, made);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) ASSERT_NEAR(made.at(x, y, 3), alpha.at(x, y, 0), 1);
  }
}

TEST_F(MatterTest, BackgroundImageCoversTheFrameAndIsCentred) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(60, 30, 0);
  MatteParams params = params_of(MatteOutput::kComposite);
  params.threshold = 1;  // nothing in front
  auto image = std::make_shared<BackgroundPicture>();
  image->width = 120;  // twice as wide, and 30 rows too many above and below
  image->height = 120;
  image->rgb.resize(3UL * 120 * 120);
  for (int y = 0; y < 120; ++y) {
    for (int x = 0; x < 120; ++x) {
      image->rgb[(120UL * y + x) * 3] = static_cast<std::uint8_t>(2 * x);
      image->rgb[(120UL * y + x) * 3 + 1] = static_cast<std::uint8_t>(2 * y);
    }
  }
  params.background_image = image;
  const Image made = matte(*stream, input, params);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 60; ++x) {
      ASSERT_NEAR(made.at(x, y, 0), 2 * (2 * x + 0.5), 1.01) << x << " " << y;
      ASSERT_NEAR(made.at(x, y, 1), 2 * (30 + 2 * y + 0.5), 1.01) << x << " " << y;
    }
  }
}

TEST_F(MatterTest, BlurLeavesAFlatPictureFlatAndSmoothsADetail) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  for (const float blur : {0.7F, 3.0F, 25.0F}) {
    MatteParams params = params_of(MatteOutput::kComposite);
    params.threshold = 1;
    params.background_blur = blur;
    Image flat(PixelFormat::kRgb, 80, 50);
    for (int y = 0; y < 50; ++y) {
      for (int x = 0; x < 80; ++x) flat.at(x, y, 1) = 200;
    }
    const Image same = matte(*stream, flat, params);
    EXPECT_EQ(same, flat) << blur;
    Image dot = flat;
    dot.at(40, 25, 1) = 0;
    const Image soft = matte(*stream, dot, params);
    EXPECT_GT(soft.at(40, 25, 1), 80) << blur;
    long long sum = 0;
    for (int y = 0; y < 50; ++y) {
      for (int x = 0; x < 80; ++x) sum += 200 - soft.at(x, y, 1);
    }
    if (blur <= 3) {
      EXPECT_NEAR(static_cast<double>(sum), 200, 60) << blur;  // what is dark is only spread
    }
  }
}

TEST_F(MatterTest, ThresholdStretchesAndFeatherSoftens) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const Image input = moving_image(96, 64, 0);
  MatteParams params = params_of(MatteOutput::kMatte);
  const Image plain = matte(*stream, input, params);
  stream->reset();
  params.threshold = 0.25F;
  const Image cut = matte(*stream, input, params);
  stream->reset();
  params.threshold = 0;
  params.feather = 4;
  const Image soft = matte(*stream, input, params);
  double sum = 0;
  double soft_sum = 0;
  int steps = 0;
  int soft_steps = 0;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 96; ++x) {
      ASSERT_NEAR(cut.at(x, y, 0), std::max(0.0, (plain.at(x, y, 0) - 0.25 * 255) / 0.75), 1.3);
      sum += plain.at(x, y, 0);
      soft_sum += soft.at(x, y, 0);
      if (x == 0) continue;
      steps += std::abs(plain.at(x, y, 0) - plain.at(x - 1, y, 0));
      soft_steps += std::abs(soft.at(x, y, 0) - soft.at(x - 1, y, 0));
    }
  }
  EXPECT_NEAR(soft_sum, sum, 0.05 * sum + 96 * 64);
  EXPECT_LT(soft_steps, steps / 2);
}

TEST_F(MatterTest, IntervalAndSimilarFramesWearTheLastMatte) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  MatteParams params = params_of(MatteOutput::kMatte);
  params.inference_interval = 3;
  std::vector<MatteOutcome> outcomes;
  std::vector<Image> mattes;
  for (int i = 0; i < 5; ++i) {
    mattes.emplace_back(PixelFormat::kGray8, 40, 32);
    outcomes.push_back(matte(*stream, moving_image(40, 32, 4 * i), params, mattes.back()).outcome);
  }
  const auto kMatted = MatteOutcome::kMatted;
  const auto kReused = MatteOutcome::kReused;
  EXPECT_EQ(outcomes, (std::vector{kMatted, kReused, kReused, kMatted, kReused}));
  EXPECT_EQ(mattes[0], mattes[2]);
  EXPECT_NE(mattes[0], mattes[3]);

  stream->reset();
  params.inference_interval = 1;
  params.similar_threshold = 0.01F;
  outcomes.clear();
  for (const int shift : {0, 0, 10, 10}) {
    outcomes.push_back(matte(*stream, moving_image(40, 32, shift), params, mattes[0]).outcome);
  }
  EXPECT_EQ(outcomes, (std::vector{kMatted, kReused, kMatted, kReused}));
  const MatterStats stats = stream->stats();
  EXPECT_EQ(stats.frames_submitted, 9U);
  EXPECT_EQ(stats.frames_matted, 4U);
  EXPECT_EQ(stats.frames_reused, 5U);
  EXPECT_GT(stats.memory_bytes, 1'000'000U);
}

TEST_F(MatterTest, TheStateIsTheStreamsOwnAndResetForgetsIt) {
  const auto one = open(golden("mobilenetv3.safetensors"));
  const auto other = open(golden("mobilenetv3.safetensors"));
  const MatteParams params = params_of(MatteOutput::kMatte);
  const Image first = matte(*one, moving_image(48, 48, 0), params);
  const Image second = matte(*one, moving_image(48, 48, 0), params);
  EXPECT_NE(first, second);  // the second frame knows the first
  EXPECT_EQ(matte(*other, moving_image(48, 48, 0), params), first);
  one->reset();
  EXPECT_EQ(matte(*one, moving_image(48, 48, 0), params), first);
  // Another size and back begins anew as well.
  matte(*one, moving_image(50, 48, 0), params);
  EXPECT_EQ(matte(*one, moving_image(48, 48, 0), params), first);
}

// Looking again at the first frame is as if the film had begun with that frame standing still.
TEST_F(MatterTest, WarmUpLooksAtTheFirstFrameOfASceneAgain) {
  MatteParams plain = params_of(MatteOutput::kMatte, 0.5F);
  MatteParams warm = plain;
  warm.warm_up = 2;
  const auto one = open(golden("mobilenetv3.safetensors"));
  std::vector<Image> still;
  for (int i = 0; i < 3; ++i) still.push_back(matte(*one, moving_image(64, 48, 0), plain));
  const Image next = matte(*one, moving_image(64, 48, 5), plain);
  ASSERT_NE(still[0], still[2]);
  const auto other = open(golden("mobilenetv3.safetensors"));
  for (int scene = 0; scene < 2; ++scene) {
    EXPECT_EQ(matte(*other, moving_image(64, 48, 0), warm), still[2]) << scene;
    EXPECT_EQ(matte(*other, moving_image(64, 48, 5), warm), next) << "only the first frame is looked at again";
    other->reset();
  }
  EXPECT_EQ(other->stats().frames_matted, 4U);
}

TEST_F(MatterTest, SeveralFramesMayBeInside) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const auto params = std::make_shared<const MatteParams>(params_of(MatteOutput::kMatte));
  std::vector<Image> expected;
  for (int i = 0; i < 3; ++i) expected.push_back(matte(*stream, moving_image(32 + i, 32, i), *params));
  stream->reset();
  for (int i = 0; i < 3; ++i) {
    Image input = moving_image(32 + i, 32, i);  // each of another size
    stream->submit(i, input.view(), params);
  }
  EXPECT_EQ(stream->collectable(), 3);
  for (int i = 0; i < 3; ++i) {
    Image input = moving_image(32 + i, 32, i);
    Image output(PixelFormat::kGray8, 32 + i, 32);
    EXPECT_EQ(stream->collect(input.view(), output.view()).id, static_cast<std::uint64_t>(i));
    EXPECT_EQ(output, expected[i]);
  }
}

TEST_F(MatterTest, AnySizeFromOnePixelOnChangingAllTheTime) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  const int sizes[][2] = {{1, 1}, {1, 33}, {33, 1}, {2, 3}, {17, 15}, {641, 3}, {1281, 721}};
  for (int i = 0; i < 70; ++i) {
    const auto& size = sizes[i / 10];
    MatteParams params = params_of(i % 2 == 0 ? MatteOutput::kRgba : MatteOutput::kCutout, 0);
    Image made(PixelFormat::kRgba, size[0], size[1]);
    if (size[0] == 1281 && i % 10 > 2) continue;  // three of the large ones are enough
    ASSERT_EQ(matte(*stream, moving_image(size[0], size[1], i), params, made).outcome, MatteOutcome::kMatted);
  }
}

TEST_F(MatterTest, EightKGoesThrough) {
  const auto stream = open(golden("mobilenetv3.safetensors"));
  Image made(PixelFormat::kGray8, 7680, 4320);
  EXPECT_EQ(matte(*stream, moving_image(7680, 4320, 0), params_of(MatteOutput::kMatte, 0), made).outcome,
            MatteOutcome::kMatted);
}

}  // namespace
}  // namespace liveedit::test
