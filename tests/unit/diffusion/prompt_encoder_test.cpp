// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/prompt_encoder.h"

#include <filesystem>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "tests/unit/diffusion/golden_files.h"

namespace liveedit::diffusion {
namespace {

class PromptEncoderTest : public testing::Test {
 protected:
  const c10::InferenceMode inference_;
  const std::unique_ptr<Model> model_ =
      Model::load({test::golden_folder("img2img") / "models/sd-turbo", {}, at::kFloat, at::kCPU}, {});
};

TEST_F(PromptEncoderTest, ATextIsEncodedOnceAndIsTheModels) {
  PromptEncoder encoder(*model_);
  const auto first = encoder.wait({"a cat", false});
  EXPECT_EQ(encoder.wait({"a cat", false}), first);
  EXPECT_EQ(encoder.find({"a cat", false}), first);
  EXPECT_EQ(encoder.encoded(), 1U);
  const TextEmbedding direct = model_->embed("a cat", false);
  ASSERT_EQ(first->keys_values.size(), direct.keys_values.size());
  ASSERT_FALSE(direct.keys_values.empty());
  for (std::size_t i = 0; i < direct.keys_values.size(); ++i) {
    EXPECT_TRUE(at::equal(first->keys_values[i].first, direct.keys_values[i].first));
    EXPECT_TRUE(at::equal(first->keys_values[i].second, direct.keys_values[i].second));
  }
}

TEST_F(PromptEncoderTest, OldTextsAreForgottenAndComeBack) {
  PromptEncoder encoder(*model_);
  encoder.wait({"first", false});
  for (int i = 0; i < 100; ++i) encoder.wait({"text " + std::to_string(i), false});
  EXPECT_EQ(encoder.encoded(), 101U);
  encoder.wait({"text 99", false});
  EXPECT_EQ(encoder.encoded(), 101U) << "the newest are kept";
  EXPECT_NE(encoder.wait({"first", false}), nullptr);
  EXPECT_EQ(encoder.encoded(), 102U) << "the oldest was forgotten";
}

TEST_F(PromptEncoderTest, EndsWithTextsStillWaiting) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  { PromptEncoder(*model_).wait({"warm up", false}); }  // torch starts its own threads with the first work
  const auto before = threads();
  for (int i = 0; i < 20; ++i) {
    PromptEncoder encoder(*model_);
    for (int k = 0; k < 50; ++k) encoder.find({"text " + std::to_string(k), false});
  }
  EXPECT_LE(threads(), before + 2);
}

}  // namespace
}  // namespace liveedit::diffusion
