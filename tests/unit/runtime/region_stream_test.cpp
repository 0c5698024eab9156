// SPDX-License-Identifier: LGPL-2.1-or-later
// Edits of a part of the picture, by the matte in its alpha.
#include <cmath>
#include <functional>

#include "tests/unit/runtime/stream_fixture.h"

namespace liveedit::test {
namespace {

// RGBA; the colours are those of moving_picture().
struct MattedPicture {
  using Matte = std::function<int(int x, int y)>;

  MattedPicture(int width, int height) : width(width), height(height), bytes(std::size_t(4) * width * height) {}
  MattedPicture(int width, int height, int index, const Matte& matte) : MattedPicture(width, height) {
    const Picture colours = moving_picture(width, height, index);
    for (int i = 0; i < width * height; ++i) {
      for (int c = 0; c < 3; ++c) bytes[4 * i + c] = colours.bytes[3 * i + c];
      bytes[4 * i + 3] = static_cast<std::uint8_t>(matte(i % width, i / width));
    }
  }
  FrameView view() {
    FrameView frame;
    frame.format = PixelFormat::kRgba;
    frame.width = width;
    frame.height = height;
    frame.planes[0] = bytes.data();
    frame.strides[0] = 4 * width;
    return frame;
  }
  bool operator==(const MattedPicture&) const = default;

  int width;
  int height;
  std::vector<std::uint8_t> bytes;
};

struct Edited {
  FrameResult result;
  MattedPicture picture;
};

class RegionTest : public CoreTest {
 protected:
  static std::shared_ptr<EditParams> edit_of(Region region, bool crop = false) {
    auto edited = params("oil paint of a cat");
    edited->region = region;
    edited->region_crop = crop;
    return edited;
  }

  static Edited edit(Diffuser& stream, MattedPicture input, const std::shared_ptr<const EditParams>& edited) {
    stream.submit(1, input.view(), edited);
    Edited out{{}, MattedPicture(input.width, input.height)};
    EXPECT_EQ(stream.collectable(), 1);
    out.result = stream.collect(input.view(), out.picture.view());
    return out;
  }

  std::unique_ptr<Diffuser> stream_ = open(model_folder("sd-turbo"));
};

int ramp(int x, int) {
  return x < 8 ? 0 : x < 20 ? 255 : 13 * (x - 20);
}

TEST_F(RegionTest, TheEditIsMixedWithTheOriginalByTheMatte) {
  const MattedPicture input(37, 21, 2, ramp);
  const MattedPicture whole = edit(*stream_, input, edit_of(Region::kFrame)).picture;
  for (const Region region : {Region::kForeground, Region::kBackground}) {
    const Edited out = edit(*stream_, input, edit_of(region));
    EXPECT_EQ(out.result.outcome, FrameOutcome::kEdited);
    EXPECT_FALSE(out.result.region_empty);
    int changed = 0;
    for (std::size_t i = 0; i < input.bytes.size(); i += 4) {
      const int alpha = input.bytes[i + 3];
      EXPECT_EQ(out.picture.bytes[i + 3], alpha);
      const int weight = region == Region::kForeground ? alpha : 255 - alpha;
      for (std::size_t c = i; c < i + 3; ++c) {
        const double mixed = (whole.bytes[c] * weight + input.bytes[c] * (255 - weight)) / 255.0;
        ASSERT_LE(std::abs(out.picture.bytes[c] - mixed), 0.501);
        if (weight == 0) {
          ASSERT_EQ(out.picture.bytes[c], input.bytes[c]);
        }
        changed += out.picture.bytes[c] != input.bytes[c];
      }
    }
    EXPECT_GT(changed, 200);
  }
}

TEST_F(RegionTest, TheModeMayChangeFromFrameToFrame) {
  const MattedPicture input(24, 16, 1, ramp);
  const auto alone = [&](Region region) { return edit(*open(model_folder("sd-turbo")), input, edit_of(region)); };
  for (const Region region : {Region::kForeground, Region::kFrame, Region::kBackground, Region::kForeground}) {
    EXPECT_EQ(edit(*stream_, input, edit_of(region)).picture, alone(region).picture);
  }
}

TEST_F(RegionTest, AnEmptyMatteRunsNothing) {
  const MattedPicture nobody(24, 16, 0, [](int x, int y) { return (x * y) % 9; });  // a network's traces
  const Edited out = edit(*stream_, nobody, edit_of(Region::kForeground));
  EXPECT_EQ(out.result.outcome, FrameOutcome::kPassed);
  EXPECT_TRUE(out.result.region_empty);
  EXPECT_EQ(out.result.warning, "");
  EXPECT_EQ(out.picture, nobody);
  EXPECT_EQ(stream_->stats().prompts_encoded, 0U) << "not even the text";
  const MattedPicture all(24, 16, 0, [](int, int) { return 255; });
  EXPECT_TRUE(edit(*stream_, all, edit_of(Region::kBackground)).result.region_empty);
  EXPECT_EQ(stream_->stats().frames_edited, 0U);
  EXPECT_FALSE(edit(*stream_, all, edit_of(Region::kForeground)).result.region_empty);
  EXPECT_EQ(stream_->stats().frames_edited, 1U);
}

TEST_F(RegionTest, WithoutAlphaTheWholeFrameIsEditedAndTheUserToldOnce) {
  const Picture input = moving_picture(24, 16, 4);
  const Collected whole = CoreTest::edit(*stream_, input, edit_of(Region::kFrame));
  EXPECT_EQ(whole.result.warning, "");
  const Collected first = CoreTest::edit(*stream_, input, edit_of(Region::kBackground));
  EXPECT_EQ(first.picture, whole.picture);
  EXPECT_NE(first.result.warning.find("rvmmatte"), std::string::npos) << first.result.warning;
  EXPECT_EQ(CoreTest::edit(*stream_, input, edit_of(Region::kBackground)).result.warning, "");
}

// Crops are large; the built-in model is made for such sizes.
class RegionCropTest : public RegionTest {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = std::filesystem::path(LIVEEDIT_SOURCE_DIR) / "models/sketchbook";
    if (!std::filesystem::exists(folder / "unet")) {
      GTEST_SKIP() << "models/sketchbook has no weights; models/sketchbook/training makes them";
    }
    stream_ = open(folder);
  }
};

// A person in a large picture: only a part is worked on, and only the person is another.
TEST_F(RegionCropTest, ACropEditsThePersonAndNothingElse) {
  const auto person_at = [](int left) {
    return [left](int x, int y) { return x >= left && x < left + 90 && y >= 150 && y < 290 ? 255 : 0; };
  };
  for (int index = 0; index < 3; ++index) {
    const int left = 200 + 60 * index;
    const MattedPicture input(640, 480, index, person_at(left));
    const Edited out = edit(*stream_, input, edit_of(Region::kForeground, true));
    EXPECT_EQ(out.result.outcome, FrameOutcome::kEdited);
    int changed = 0;
    for (int i = 0; i < 640 * 480; ++i) {
      const bool inside = input.bytes[4 * i + 3] == 255;
      for (int c = 0; c < 4; ++c) {
        if (!inside) {
          ASSERT_EQ(out.picture.bytes[4 * i + c], input.bytes[4 * i + c]) << i;
        }
        changed += out.picture.bytes[4 * i + c] != input.bytes[4 * i + c];
      }
    }
    EXPECT_GT(changed, 90 * 140) << "the person is edited";
  }
  // A still camera gives a still picture.
  const MattedPicture still(640, 480, 9, person_at(320));
  EXPECT_EQ(edit(*stream_, still, edit_of(Region::kForeground, true)).picture,
            edit(*stream_, still, edit_of(Region::kForeground, true)).picture);
}

TEST_F(RegionCropTest, ACropIsTheEditOfThatPartAlone) {
  const MattedPicture input(640, 480, 3, [](int x, int y) { return x < 180 && y < 175 ? 255 : 0; });
  const MattedPicture cropped = edit(*stream_, input, edit_of(Region::kForeground, true)).picture;
  // The window of a subject in the corner lies in the corner; its size is a multiple of 64, and here that of the model.
  MattedPicture corner(256, 256);
  for (int y = 0; y < 256; ++y) {
    std::copy_n(&input.bytes[std::size_t(4) * 640 * y], 4 * 256, &corner.bytes[std::size_t(4) * 256 * y]);
  }
  const MattedPicture alone = edit(*stream_, corner, edit_of(Region::kForeground)).picture;
  for (int y = 0; y < 256; ++y) {
    ASSERT_TRUE(std::equal(&alone.bytes[std::size_t(4) * 256 * y], &alone.bytes[std::size_t(4) * 256 * y] + 4 * 256,
                           &cropped.bytes[std::size_t(4) * 640 * y]))
        << y;
  }
}

// What a matte network leaves of nobody, far away and faint, is in no crop, and stays as it is.
TEST_F(RegionCropTest, AFaintTraceElsewhereDoesNotWidenTheCrop) {
  const auto person = [](int x, int y) { return x < 180 && y < 175 ? 255 : 0; };
  const auto with_trace = [person](int x, int y) { return x >= 600 && y >= 400 ? 35 : person(x, y); };
  const MattedPicture traced(640, 480, 3, with_trace);
  MattedPicture expected =
      edit(*stream_, MattedPicture(640, 480, 3, person), edit_of(Region::kForeground, true)).picture;
  for (std::size_t i = 3; i < expected.bytes.size(); i += 4) expected.bytes[i] = traced.bytes[i];
  EXPECT_EQ(edit(*stream_, traced, edit_of(Region::kForeground, true)).picture, expected);
  // Where there is nothing else, it is what is to be edited.
  const MattedPicture trace(640, 480, 3, [](int x, int y) { return x >= 600 && y >= 400 ? 35 : 0; });
  EXPECT_EQ(edit(*stream_, trace, edit_of(Region::kForeground, true)).result.outcome, FrameOutcome::kEdited);
}

// Twice the size, bilinear.
Picture doubled(const Picture& from) {
  Picture to(2 * from.width, 2 * from.height);
  const auto place = [](int at, int size, int* low, double* part) {
    const double x = std::max(0.0, (at + 0.5) / 2 - 0.5);
    *low = std::min(static_cast<int>(x), size - 1);
    *part = x - *low;
  };
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      int left = 0;
      int top = 0;
      double right = 0;
      double down = 0;
      place(x, from.width, &left, &right);
      place(y, from.height, &top, &down);
      const int next_x = std::min(left + 1, from.width - 1);
      const int next_y = std::min(top + 1, from.height - 1);
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int px, int py) { return from.bytes[3 * (std::size_t(py) * from.width + px) + c]; };
        const double upper = at(left, top) + right * (at(next_x, top) - at(left, top));
        const double lower = at(left, next_y) + right * (at(next_x, next_y) - at(left, next_y));
        to.bytes[3 * (std::size_t(y) * to.width + x) + c] =
            static_cast<std::uint8_t>(upper + down * (lower - upper) + 0.5);
      }
    }
  }
  return to;
}

// One pixel of half the size: a triangle of two pixels to each side.
double halved_at(const Picture& from, int x, int y, int c) {
  constexpr double kWeights[] = {1, 3, 3, 1};
  double sum = 0;
  double weights = 0;
  for (int i = 0; i < 16; ++i) {
    const int px = 2 * x - 1 + i % 4;
    const int py = 2 * y - 1 + i / 4;
    if (px < 0 || py < 0 || px >= from.width || py >= from.height) continue;
    const double weight = kWeights[i % 4] * kWeights[i / 4];
    sum += weight * from.bytes[3 * (std::size_t(py) * from.width + px) + c];
    weights += weight;
  }
  return sum / weights;
}

// Someone far away is edited as large as the model likes its pictures.
TEST_F(RegionCropTest, ASmallCropIsEditedEnlarged) {
  const MattedPicture input(640, 480, 3, [](int x, int y) { return x < 40 && y < 50 ? 255 : 0; });
  const MattedPicture cropped = edit(*stream_, input, edit_of(Region::kForeground, true)).picture;
  constexpr int kWindow = 128;  // half of what the model was trained with
  Picture corner(kWindow, kWindow);
  for (int i = 0; i < kWindow * kWindow; ++i) {
    const std::uint8_t* pixel = &input.bytes[std::size_t(4) * (i / kWindow * 640 + i % kWindow)];
    std::copy_n(pixel, 3, &corner.bytes[std::size_t(3) * i]);
  }
  const Picture large = CoreTest::edit(*stream_, doubled(corner), edit_of(Region::kFrame)).picture;
  const Picture plain = CoreTest::edit(*stream_, corner, edit_of(Region::kFrame)).picture;
  double difference = 0;
  double to_plain = 0;
  for (int i = 0; i < 40 * 50 * 3; ++i) {
    const int x = i / 3 % 40;
    const int y = i / 120;
    const int made = cropped.bytes[std::size_t(4) * (y * 640 + x) + i % 3];
    difference += std::abs(made - halved_at(large, x, y, i % 3)) / (40 * 50 * 3);
    to_plain += std::abs(made - plain.bytes[std::size_t(3) * (y * kWindow + x) + i % 3]) / (40.0 * 50 * 3);
  }
  EXPECT_LT(difference, 2);
  EXPECT_GT(to_plain, 2 * difference + 2) << "the edit at its own size is another";
  for (int i = 0; i < 640 * 480; ++i) {
    if (input.bytes[4 * i + 3] == 255) continue;
    ASSERT_TRUE(std::equal(&input.bytes[4 * i], &input.bytes[4 * i] + 4, &cropped.bytes[4 * i])) << i;
  }
}

TEST_F(RegionTest, WhatIsNoPictureIsHeldInsideTheRegionOnly_n) {
  const auto stream = open(model_folder("bad-word"));
  auto good = edit_of(Region::kForeground);
  good->prompt = "a cat";
  auto bad = edit_of(Region::kForeground);
  bad->prompt = "z";
  stream->prepare(*bad, true);
  stream->prepare(*good, true);
  const MattedPicture first(24, 16, 0, ramp);
  const MattedPicture second(24, 16, 5, ramp);
  const MattedPicture passed = edit(*stream, first, bad).picture;
  EXPECT_EQ(passed, first);
  const MattedPicture edited = edit(*stream, first, good).picture;
  const Edited held = edit(*stream, second, bad);
  EXPECT_EQ(held.result.outcome, FrameOutcome::kHeld);
  for (std::size_t i = 0; i < second.bytes.size(); i += 4) {
    const int alpha = second.bytes[i + 3];
    for (std::size_t c = i; c < i + 3; ++c) {
      if (alpha == 0) {
        ASSERT_EQ(held.picture.bytes[c], second.bytes[c]) << "the new frame";
      }
      if (alpha == 255) {
        ASSERT_EQ(held.picture.bytes[c], edited.bytes[c]) << "the last good edit";
      }
    }
  }
}

// In a denoising batch frames of each kind keep their order.
TEST_F(RegionTest, EmptyFramesKeepTheirPlaceInADenoisingBatch) {
  const auto stream = open(model_folder("sd-turbo"));
  auto batch = edit_of(Region::kForeground);
  batch->t_index_list = {10, 30};
  std::vector<MattedPicture> inputs;
  std::vector<std::uint64_t> ids;
  const auto collect = [&] {
    while (stream->collectable() > 0) {
      MattedPicture output(24, 16);
      const FrameResult result = stream->collect(inputs[ids.size()].view(), output.view());
      EXPECT_EQ(result.region_empty, result.id % 3 == 2);
      ids.push_back(result.id);
    }
  };
  for (int i = 0; i < 9; ++i) {
    inputs.emplace_back(24, 16, i, [i](int x, int y) { return i % 3 == 2 ? 0 : ramp(x, y); });
    stream->submit(i, inputs.back().view(), batch);
    collect();
  }
  stream->finish();
  collect();
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace liveedit::test
