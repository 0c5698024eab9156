// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/clip/clip_text.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "tests/unit/networks/golden_case.h"

namespace liveedit::networks {
namespace {

class ClipGolden : public testing::TestWithParam<std::string> {
 protected:
  c10::InferenceMode guard_;
};

TEST_P(ClipGolden, EqualsTheReferenceInFp32) {
  const GoldenCase golden(GetParam());
  const ClipTextModel clip(golden.config(), golden.weights());
  const auto output = clip.forward(golden.value(0, "input_ids").to(at::kLong));
  EXPECT_LE(max_difference(output.last_hidden_state, golden.value(0, "last_hidden_state")), 1e-5);
  ASSERT_EQ(output.hidden_states.size(), 4u);
  for (std::size_t i = 0; i < output.hidden_states.size(); ++i) {
    const at::Tensor expected = golden.value(0, "hidden_states." + std::to_string(i));
    EXPECT_LE(max_difference(output.hidden_states[i], expected), 1e-5) << "layer " << i;
  }
  const at::Tensor pooled = golden.value(0, "pooled");
  const at::Tensor text_embeds = golden.value(0, "text_embeds");
  ASSERT_NE(pooled.defined(), text_embeds.defined());
  EXPECT_EQ(output.text_embeds.defined(), text_embeds.defined());
  if (pooled.defined()) {
    EXPECT_LE(max_difference(output.pooled, pooled), 1e-5);
  } else {
    EXPECT_LE(max_difference(output.text_embeds, text_embeds), 1e-5);
  }
}

TEST_P(ClipGolden, StaysNearTheReferenceInBf16) {
  const GoldenCase golden(GetParam());
  const ClipTextModel clip(golden.config(), golden.weights(at::kBFloat16));
  const auto output = clip.forward(golden.value(0, "input_ids").to(at::kLong));
  EXPECT_LE(relative_difference(output.last_hidden_state, golden.value(0, "last_hidden_state")), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ClipGolden, testing::Values("clip_sd15", "clip_sd21", "clip_eos", "clip_projection"),
                         [](const auto& info) { return info.param; });

TEST(ClipText, TextsLongerThanTheModel_n) {
  const c10::InferenceMode guard;
  const GoldenCase golden("clip_sd21");
  const ClipTextModel clip(golden.config(), golden.weights());
  EXPECT_EQ(clip.max_tokens(), 16);
  EXPECT_EQ(clip.hidden_size(), 32);
  EXPECT_THROW(clip.forward(at::zeros({1, 17}, at::kLong)), Error);
}

TEST(ClipText, UnknownActivationAndMisshapenTensors_n) {
  const c10::InferenceMode guard;
  const GoldenCase golden("clip_sd21");
  for (const auto& [key, value, named] :
       {std::tuple{"hidden_act", nlohmann::json("tanh"), "tanh"},
        std::tuple{"vocab_size", nlohmann::json(101), "token_embedding.weight"},
        std::tuple{"num_hidden_layers", nlohmann::json(4), "layers.3"},
        std::tuple{"num_attention_heads", nlohmann::json(5), "num_attention_heads"}}) {
    nlohmann::json json = golden.config().json();
    json[key] = value;
    try {
      const ClipTextModel clip(weights::Config::parse(json.dump(), golden.folder() / "config.json"), golden.weights());
      ADD_FAILURE() << key << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadModel);
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace liveedit::networks
