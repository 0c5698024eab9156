// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams through libliveedit-core.so as an element uses it.
#include <algorithm>
#include <fstream>

#include "core/api/error.h"
#include "tests/unit/runtime/stream_fixture.h"

namespace liveedit::test {
namespace {

using StreamTest = CoreTest;

TEST_F(StreamTest, OtherVersionsOfTheBorderAreRefused_n) {
  EXPECT_EQ(liveedit_core_open(kCoreApiVersion + 1, {}), nullptr);
  EXPECT_FALSE(core().info().version.empty());
  EXPECT_FALSE(core().info().torch_version.empty());
}

TEST_F(StreamTest, FramesAreEditedAndReproducible) {
  const auto first = open(model_folder("sd-turbo"));
  EXPECT_EQ(first->info().dtype, "fp32");
  EXPECT_EQ(first->info().device, "cpu");
  EXPECT_EQ(first->info().scheduler, "EulerDiscreteScheduler");
  EXPECT_EQ(first->info().num_inference_steps, 2);
  const Picture input = moving_picture(24, 16, 0);
  const Collected a = edit(*first, input, params("oil paint of a cat"));
  EXPECT_EQ(a.result.outcome, FrameOutcome::kEdited);
  EXPECT_EQ(a.result.warning, "");
  EXPECT_GT(largest_difference(a.picture, input), 8);
  const Collected again = edit(*first, input, params("oil paint of a cat"));
  EXPECT_EQ(a.picture, again.picture) << "a still camera gives a still picture";
  const auto second = open(model_folder("sd-turbo"));
  const Collected b = edit(*second, input, params("oil paint of a cat"));
  EXPECT_EQ(a.picture, b.picture);
  auto other_seed = params("oil paint of a cat");
  other_seed->seed = 43;
  EXPECT_NE(edit(*second, input, other_seed).picture, a.picture);
  EXPECT_EQ(edit(*second, input, params("oil paint of a cat")).picture, a.picture);
}

TEST_F(StreamTest, TwoStreamsDoNotMix) {
  const auto one = open(model_folder("sd-euler-kl"));
  const auto two = open(model_folder("sd-euler-kl"));
  // Guidance makes the texts of this random model weigh enough to be seen in 8 bits.
  const auto with = [](const std::string& prompt) {
    auto edited = params(prompt);
    edited->num_inference_steps = 4;
    edited->guidance_scale = 30;
    return edited;
  };
  const Picture input = moving_picture(24, 16, 3);
  const Picture cat = edit(*one, input, with("a cat")).picture;
  const Picture oil = edit(*two, input, with("oil paint")).picture;
  EXPECT_NE(cat, oil) << "the prompt must show for this test to say anything";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(edit(*one, input, with("a cat")).picture, cat);
    EXPECT_EQ(edit(*two, input, with("oil paint")).picture, oil);
  }
}

TEST_F(StreamTest, PromptsChangeBesideTheStream) {
  const auto stream = open(model_folder("sd-euler-kl"));
  auto cat = params("a cat");
  cat->guidance_scale = 30;
  auto oil = params("oil paint");
  oil->guidance_scale = 30;
  const Picture input = moving_picture(24, 16, 3);
  const Picture with_cat = edit(*stream, input, cat).picture;
  stream->prepare(*oil, true);
  const Picture with_oil = edit(*stream, input, oil).picture;
  EXPECT_NE(with_oil, with_cat) << "a prepared text is used at once";
  const auto unready = std::make_shared<EditParams>(*cat);
  unready->prompt = "paint of an oil cat";
  const Picture soon = edit(*stream, input, unready).picture;  // the last text, or the new one if it was quick
  stream->prepare(*unready, true);
  const Picture settled = edit(*stream, input, unready).picture;
  EXPECT_TRUE(soon == with_oil || soon == settled);
  EXPECT_NE(settled, with_oil);
  EXPECT_GE(stream->stats().prompts_encoded, 3U);
}

TEST_F(StreamTest, StrengthZeroPassesTheFrame) {
  const auto stream = open(model_folder("sd-turbo"));
  auto off = params("oil paint");
  off->strength = 0;
  const Picture input = moving_picture(33, 17, 5);
  const Collected out = edit(*stream, input, off);
  EXPECT_EQ(out.result.outcome, FrameOutcome::kPassed);
  EXPECT_EQ(out.result.warning, "");
  EXPECT_EQ(out.picture, input);
}

TEST_F(StreamTest, EverySizeComesBackInItsOwnSize) {
  const auto stream = open(model_folder("sd-turbo"));
  for (const auto& [width, height] :
       {std::pair{1, 1}, {2, 3}, {3, 1}, {17, 31}, {24, 16}, {25, 16}, {64, 48}, {1, 40}, {24, 16}}) {
    const Collected out = edit(*stream, moving_picture(width, height, 0), params("oil paint"));
    EXPECT_EQ(out.result.outcome, FrameOutcome::kEdited);
    EXPECT_EQ(out.picture.width, width);
  }
  const auto fresh = open(model_folder("sd-turbo"));
  const Picture input = moving_picture(24, 16, 9);
  EXPECT_EQ(edit(*stream, input, params("oil paint")).picture, edit(*fresh, input, params("oil paint")).picture);
}

TEST_F(StreamTest, NumbersThatAreNoPictureNeverLeave_n) {
  const auto stream = open(model_folder("bad-unet"));
  const Picture input = moving_picture(24, 16, 0);
  const Collected first = edit(*stream, input, params("a cat"));
  EXPECT_EQ(first.result.outcome, FrameOutcome::kPassed);
  EXPECT_EQ(first.picture, input);
  EXPECT_NE(first.result.warning.find("NaN"), std::string::npos);
  const Collected second = edit(*stream, input, params("a cat"));
  EXPECT_EQ(second.result.outcome, FrameOutcome::kPassed);
  EXPECT_EQ(second.result.warning, "") << "told once";
  EXPECT_EQ(stream->stats().frames_passed, 2U);
}

TEST_F(StreamTest, TheLastGoodPictureIsHeldAndTheStreamRecovers_n) {
  const auto stream = open(model_folder("bad-word"));
  const auto bad = params("z");
  stream->prepare(*bad, true);
  const Picture good = edit(*stream, moving_picture(24, 16, 0), params("a cat")).picture;
  const Collected held = edit(*stream, moving_picture(24, 16, 1), bad);
  EXPECT_EQ(held.result.outcome, FrameOutcome::kHeld);
  EXPECT_EQ(held.picture, good);
  const Picture other_size = moving_picture(20, 12, 2);
  const Collected passed = edit(*stream, other_size, bad);
  EXPECT_EQ(passed.result.outcome, FrameOutcome::kPassed);
  EXPECT_EQ(passed.picture, other_size);
  const Collected back = edit(*stream, moving_picture(24, 16, 0), params("a cat"));
  EXPECT_EQ(back.result.outcome, FrameOutcome::kEdited);
  EXPECT_EQ(back.picture, good);
  EXPECT_EQ(stream->stats().frames_edited, 2U);
  EXPECT_EQ(stream->stats().frames_held, 1U);
}

TEST_F(StreamTest, ATextThatCannotBeEncodedKeepsTheLast_n) {
  const auto stream = open(model_folder("bad-id"));
  const Picture input = moving_picture(24, 16, 0);
  const auto bad = params("z");
  EXPECT_THROW(stream->prepare(*bad, true), Error);
  EXPECT_THROW(edit(*stream, input, bad), Error) << "there is no last text yet";
  const Picture good = edit(*stream, input, params("a cat")).picture;
  EXPECT_THROW(stream->prepare(*bad, true), Error);
  const Collected first = edit(*stream, input, bad);
  EXPECT_EQ(first.picture, good);
  // Encoding fails beside the stream; this frame or a later one tells so, once.
  std::string told = first.result.warning;
  for (int i = 0; i < 500 && told.empty(); ++i) told = edit(*stream, input, bad).result.warning;
  EXPECT_NE(told.find("last prompt"), std::string::npos) << told;
  EXPECT_EQ(edit(*stream, input, bad).result.warning, "");
  EXPECT_EQ(edit(*stream, input, params("a cat")).result.outcome, FrameOutcome::kEdited);
}

TEST_F(StreamTest, SettingsWithoutEffectAreNamed) {
  const auto stream = open(model_folder("sd-turbo"));
  EXPECT_TRUE(stream->check(*params("a cat")).empty());
  const auto named = [&](const EditParams& asked, const std::string& word) {
    const auto sentences = stream->check(asked);
    return std::any_of(sentences.begin(), sentences.end(), [&](const auto& one) { return one.starts_with(word); });
  };
  EditParams asked = *params("a cat");
  asked.negative_prompt = "ugly";
  EXPECT_TRUE(named(asked, "negative-prompt"));
  asked.guidance_scale = 5;
  EXPECT_FALSE(named(asked, "negative-prompt"));
  asked.t_index_list = {32, 45};
  asked.strength = 0.4F;
  EXPECT_TRUE(named(asked, "strength"));
  EXPECT_TRUE(named(asked, "guidance-scale"));
  asked.prompt = std::string(500, 'x') + " cat";
  EXPECT_TRUE(named(asked, "prompt"));
  EditParams wrong = *params("a cat");
  wrong.strength = 1.5F;
  EXPECT_THROW(stream->check(wrong), Error);
  wrong = *params("a cat");
  wrong.num_inference_steps = 2000;
  EXPECT_THROW(stream->check(wrong), Error);
  wrong = *params("a cat");
  wrong.seed = -1;
  EXPECT_THROW(stream->check(wrong), Error);
}

TEST_F(StreamTest, ARefusedFrameDoesNotStopTheStream_n) {
  const auto stream = open(model_folder("sd-turbo"));
  auto wrong = params("a cat");
  wrong->num_inference_steps = 2000;
  Picture input = moving_picture(24, 16, 0);
  EXPECT_THROW(stream->submit(1, input.view(), wrong), Error);
  EXPECT_EQ(stream->collectable(), 0);
  EXPECT_EQ(edit(*stream, input, params("a cat")).result.outcome, FrameOutcome::kEdited);
}

}  // namespace
}  // namespace liveedit::test
