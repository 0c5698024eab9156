// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames of one stream beside each other on the CPU: the same pictures as one after the other, whatever changes between
// them.
#include "tests/unit/runtime/stream_fixture.h"

namespace liveedit::test {
namespace {

class SideBySideTest : public CoreTest {
 protected:
  static std::unique_ptr<Diffuser> open_with(const std::string& model, Acceleration acceleration, int threads = 3) {
    DiffuserConfig config;
    config.model = model_folder(model).string();
    config.device = "cpu";
    config.dtype = Dtype::kFp32;
    config.threads = threads;
    config.acceleration = acceleration;
    return core().create_diffuser(config, {});
  }

  // All frames go in before the first comes out.
  static std::vector<Collected> edit_all(Diffuser& stream,
                                         const std::vector<std::shared_ptr<const EditParams>>& edits) {
    std::vector<Picture> inside;
    for (std::size_t i = 0; i < edits.size(); ++i) {
      inside.push_back(moving_picture(24, 16, static_cast<int>(i)));
      stream.submit(i, inside.back().view(), edits[i]);
    }
    EXPECT_EQ(stream.collectable(), static_cast<int>(edits.size()));
    return collect_all(stream, inside);
  }

  // Each frame comes out before the next goes in.
  static std::vector<Collected> edit_each(Diffuser& stream,
                                          const std::vector<std::shared_ptr<const EditParams>>& edits) {
    std::vector<Collected> out;
    for (std::size_t i = 0; i < edits.size(); ++i) {
      std::vector<Picture> inside;
      for (auto& one : feed(stream, i, moving_picture(24, 16, static_cast<int>(i)), edits[i], inside))
        out.push_back(std::move(one));
    }
    return out;
  }

  static void expect_same(const std::vector<Collected>& a, const std::vector<Collected>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].result.id, b[i].result.id);
      EXPECT_EQ(a[i].result.outcome, b[i].result.outcome) << i;
      EXPECT_EQ(a[i].picture, b[i].picture)
          << "frame " << i << " differs by " << largest_difference(a[i].picture, b[i].picture);
    }
  }
};

TEST_F(SideBySideTest, TheDepthIsWhatTheCoresAndTheWorkAllow) {
  const auto lanes = open_with("sd-turbo", Acceleration::kAuto);
  EXPECT_EQ(lanes->depth(*params("a cat")), 3);
  auto batch = params("a cat");
  batch->t_index_list = {20, 40};
  EXPECT_EQ(lanes->depth(*batch), 1) << "each frame of a batch needs the one before";
  EXPECT_EQ(open_with("sd-turbo", Acceleration::kNone)->depth(*params("a cat")), 1);
  EXPECT_EQ(open_with("sd-turbo", Acceleration::kAuto, 1)->depth(*params("a cat")), 1);
}

TEST_F(SideBySideTest, ThePicturesAreThoseOfOneAfterTheOther) {
  const auto lanes = open_with("sd-turbo", Acceleration::kAuto);
  const auto alone = open_with("sd-turbo", Acceleration::kNone);
  const std::vector<std::shared_ptr<const EditParams>> edits(12, params("oil paint of a cat"));
  const auto wanted = edit_each(*alone, edits);
  expect_same(edit_all(*lanes, edits), wanted);
  expect_same(edit_all(*lanes, edits), wanted);
  expect_same(edit_each(*lanes, edits), wanted);
  EXPECT_EQ(lanes->stats().frames_edited, 36U);
}

TEST_F(SideBySideTest, EachFrameHasTheSettingsItCameWith) {
  const auto lanes = open_with("sd-euler-kl", Acceleration::kAuto);
  const auto alone = open_with("sd-euler-kl", Acceleration::kNone);
  std::vector<std::shared_ptr<const EditParams>> edits;
  for (int i = 0; i < 12; ++i) {
    auto edited = params(i % 2 == 0 ? "a cat" : "oil paint");
    edited->guidance_scale = i % 3 == 0 ? 1.0F : 30.0F;
    edited->num_inference_steps = 4 + i % 2;
    edited->strength = 0.5F + 0.04F * static_cast<float>(i);
    edited->seed = i / 3;
    lanes->prepare(*edited, true);
    alone->prepare(*edited, true);
    edits.push_back(edited);
  }
  const auto wanted = edit_each(*alone, edits);
  EXPECT_NE(wanted[0].picture, wanted[1].picture);
  expect_same(edit_all(*lanes, edits), wanted);
}

TEST_F(SideBySideTest, PassedFramesAndBatchesKeepTheirPlaceBetweenTheOthers) {
  const auto lanes = open_with("sd-turbo", Acceleration::kAuto);
  const auto alone = open_with("sd-turbo", Acceleration::kNone);
  auto off = params("a cat");
  off->strength = 0;
  auto batch = params("a cat");
  batch->t_index_list = {40};
  std::vector<std::shared_ptr<const EditParams>> edits;
  for (int i = 0; i < 4; ++i) {
    edits.push_back(params("a cat"));
    edits.push_back(off);
    edits.push_back(batch);
  }
  expect_same(edit_all(*lanes, edits), edit_each(*alone, edits));
}

TEST_F(SideBySideTest, ABadFrameShowsTheOneBeforeIt_n) {
  const auto lanes = open_with("bad-word", Acceleration::kAuto);
  lanes->prepare(*params("z"), true);
  lanes->prepare(*params("a cat"), true);
  const auto out = edit_all(*lanes, {params("a cat"), params("z"), params("a cat"), params("z"), params("a cat")});
  ASSERT_EQ(out.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(out[i].result.outcome, i % 2 == 0 ? FrameOutcome::kEdited : FrameOutcome::kHeld);
    if (i % 2 == 1) {
      EXPECT_EQ(out[i].picture, out[i - 1].picture);
    }
  }
}

TEST_F(SideBySideTest, ResetAndTheEndInFlightLeaveNothingBehind) {
  const auto alone = open_with("sd-turbo", Acceleration::kNone);
  const std::vector<std::shared_ptr<const EditParams>> edits(3, params("a cat"));
  const auto wanted = edit_each(*alone, edits);
  for (int round = 0; round < 5; ++round) {
    const auto lanes = open_with("sd-turbo", Acceleration::kAuto);
    Picture input = moving_picture(24, 16, 9);
    for (int i = 0; i < 7; ++i) lanes->submit(i, input.view(), params("a cat"));
    lanes->reset();
    EXPECT_EQ(lanes->collectable(), 0);
    expect_same(edit_all(*lanes, edits), wanted);
    for (int i = 0; i < 7; ++i) lanes->submit(i, input.view(), params("a cat"));
  }
}

}  // namespace
}  // namespace liveedit::test
