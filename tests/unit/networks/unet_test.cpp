// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/unet_2d_condition.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "tests/unit/networks/golden_case.h"

namespace liveedit::networks {
namespace {

class UNetGolden : public testing::TestWithParam<std::string> {
 protected:
  c10::InferenceMode guard_;
};

AddedConditions added_conditions(const GoldenCase& golden, int run) {
  return {golden.value(run, "text_embeds"), golden.value(run, "time_ids"), golden.value(run, "timestep_cond")};
}

at::Tensor run_unet(const UNet2DConditionModel& unet, const GoldenCase& golden, int run, at::ScalarType dtype) {
  return unet.forward(golden.value(run, "sample").to(dtype),
                      unet.embed_time(golden.value(run, "timesteps"), added_conditions(golden, run)),
                      unet.embed_text(golden.value(run, "text")));
}

TEST_P(UNetGolden, EqualsTheReferenceInFp32) {
  const GoldenCase golden(GetParam());
  const UNet2DConditionModel unet(golden.config(), golden.weights());
  for (const int run : {0, 1}) {
    const at::Tensor output = run_unet(unet, golden, run, at::kFloat);
    EXPECT_LE(max_difference(output, golden.value(run, "output")), 3e-5) << "run " << run;
    EXPECT_TRUE(output.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST_P(UNetGolden, StaysNearTheReferenceInBf16) {
  const GoldenCase golden(GetParam());
  const UNet2DConditionModel unet(golden.config(), golden.weights(at::kBFloat16));
  const at::Tensor output = run_unet(unet, golden, 1, at::kBFloat16);
  EXPECT_EQ(output.scalar_type(), at::kBFloat16);
  EXPECT_LE(relative_difference(output, golden.value(1, "output")), 0.05);
}

// A stream's conditions are often one for the whole batch.
TEST_P(UNetGolden, ConditionsOfBatchOneServeTheWholeBatch) {
  const GoldenCase golden(GetParam());
  const UNet2DConditionModel unet(golden.config(), golden.weights());
  const AddedConditions added = added_conditions(golden, 0);
  const auto time = unet.embed_time(golden.value(0, "timesteps"), added);
  const auto text = unet.embed_text(golden.value(0, "text"));
  const at::Tensor first = golden.value(0, "sample");
  const at::Tensor second = golden.value(1, "sample").narrow(0, 0, 1).narrow(3, 0, 16);
  const at::Tensor both = unet.forward(at::cat({first, second}), time, text);
  EXPECT_LE(max_difference(both.narrow(0, 0, 1), golden.value(0, "output")), 3e-5);
  EXPECT_LE(max_difference(both.narrow(0, 1, 1), unet.forward(second, time, text)), 3e-5);
}

INSTANTIATE_TEST_SUITE_P(Families, UNetGolden,
                         testing::Values("unet_sd15", "unet_sd21", "unet_sdxl", "unet_sdxs", "unet_ssd1b", "unet_vega",
                                         "unet_lcm", "unet_sketchbook", "unet_options"),
                         [](const auto& info) { return info.param; });

class UNetErrors : public testing::Test {
 protected:
  // The message of the Error(kBadModel) that building the UNet with one option changed gives.
  std::string refused(const std::string& key, const nlohmann::json& value, const std::string& model = "unet_sd21") {
    const GoldenCase golden(model);
    nlohmann::json json = golden.config().json();
    json[key] = value;
    const weights::Config config = weights::Config::parse(json.dump(), golden.folder() / "config.json");
    try {
      const UNet2DConditionModel unet(config, golden.weights());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadModel) << error.what();
      EXPECT_NE(std::string(error.what()).find("unet_"), std::string::npos) << error.what();
      return error.what();
    }
    ADD_FAILURE() << key << " was accepted";
    return "";
  }
  void expect_named(const std::string& key, const nlohmann::json& value, const std::string& shown) {
    const std::string message = refused(key, value);
    EXPECT_NE(message.find(key), std::string::npos) << message;
    EXPECT_NE(message.find(shown), std::string::npos) << message;
  }

  c10::InferenceMode guard_;
};

TEST_F(UNetErrors, UnknownBlockTypes_n) {
  expect_named("down_block_types", {"CrossAttnDownBlock2D", "AttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"},
               "AttnDownBlock2D");
  expect_named("up_block_types", {"UpBlock2D", "SimpleCrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"},
               "SimpleCrossAttnUpBlock2D");
  expect_named("mid_block_type", "UNetMidBlock2DSimpleCrossAttn", "UNetMidBlock2DSimpleCrossAttn");
}

TEST_F(UNetErrors, UnsupportedOptions_n) {
  expect_named("class_embed_type", "timestep", "timestep");
  expect_named("addition_embed_type", "image", "image");
  expect_named("encoder_hid_dim_type", "text_proj", "text_proj");
  expect_named("time_embedding_type", "fourier", "fourier");
  expect_named("attention_type", "gated", "gated");
  expect_named("dual_cross_attention", true, "true");
  expect_named("resnet_time_scale_shift", "ada_group", "ada_group");
  expect_named("act_fn", "softsign", "softsign");
  expect_named("conv_in_kernel", 4, "4");
}

TEST_F(UNetErrors, ListsOfTheWrongLength_n) {
  expect_named("up_block_types", {"UpBlock2D"}, "UpBlock2D");
  expect_named("transformer_layers_per_block", {1, 2}, "[1,2]");
  refused("attention_head_dim", {1, 2});
  refused("block_out_channels", nlohmann::json::array());
}

TEST_F(UNetErrors, NumbersThatDoNotDivide_n) {
  expect_named("norm_num_groups", 7, "7");
  expect_named("attention_head_dim", 5, "5");
  expect_named("attention_head_dim", 0, "0");
}

TEST_F(UNetErrors, MisshapenAndMissingTensors_n) {
  EXPECT_NE(refused("cross_attention_dim", 65).find("attn2.to_k.weight"), std::string::npos);
  EXPECT_NE(refused("layers_per_block", 3).find("resnets.2"), std::string::npos);
  EXPECT_NE(refused("time_cond_proj_dim", 8).find("time_embedding.cond_proj.weight"), std::string::npos);
}

TEST_F(UNetErrors, TextTimeWithoutItsConditions_n) {
  const GoldenCase golden("unet_sdxl");
  const UNet2DConditionModel unet(golden.config(), golden.weights());
  EXPECT_THROW(unet.embed_time(at::zeros({1}), {}), Error);
}

TEST_F(UNetErrors, WrongLatentsAndConditions_n) {
  const GoldenCase golden("unet_sd21");
  const UNet2DConditionModel unet(golden.config(), golden.weights());
  const auto time = unet.embed_time(at::zeros({1}), {});
  const auto text = unet.embed_text(at::zeros({1, 7, 64}));
  EXPECT_THROW(unet.forward(at::zeros({1, 5, 16, 16}), time, text), Error);
  EXPECT_THROW(unet.forward(at::zeros({1, 4, 12, 16}), time, text), Error);
  EXPECT_THROW(unet.forward(at::zeros({1, 4, 16, 16}), {}, text), Error);
  EXPECT_THROW(unet.forward(at::zeros({1, 4, 16, 16}), time, {}), Error);
}

TEST(UNetFacts, ComeFromTheConfig) {
  const c10::InferenceMode guard;
  const GoldenCase golden("unet_vega");
  UNet2DConditionModel unet(golden.config(), golden.weights());
  const UNet2DConditionModel moved(std::move(unet));
  EXPECT_EQ(moved.in_channels(), 4);
  EXPECT_EQ(moved.out_channels(), 4);
  EXPECT_EQ(moved.sample_stride(), 4);
  EXPECT_EQ(moved.cross_attention_dim(), 48);
  EXPECT_EQ(moved.time_cond_proj_dim(), 24);
  EXPECT_TRUE(moved.wants_text_embeds());
  EXPECT_EQ(moved.sample_size(), 16);
}

}  // namespace
}  // namespace liveedit::networks
