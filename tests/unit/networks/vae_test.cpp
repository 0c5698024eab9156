// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/vae.h"

#include <cmath>
#include <cstdlib>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "tests/unit/networks/golden_case.h"

namespace liveedit::networks {
namespace {

class VaeGolden : public testing::TestWithParam<std::string> {
 protected:
  c10::InferenceMode guard_;
};

TEST_P(VaeGolden, EqualsTheReferenceInFp32) {
  const GoldenCase golden(GetParam());
  const auto vae = make_vae(golden.config(), golden.weights());
  for (const int run : {0, 1}) {
    const at::Tensor encoded = vae->encode(golden.value(run, "image"), {});
    EXPECT_LE(max_difference(encoded, golden.value(run, "encoded")), 3e-5) << "run " << run;
    const at::Tensor decoded = vae->decode(golden.value(run, "latents"));
    EXPECT_LE(max_difference(decoded, golden.value(run, "decoded")), 3e-5) << "run " << run;
    EXPECT_TRUE(decoded.is_contiguous(at::MemoryFormat::ChannelsLast));
    if (golden.value(run, "noise").defined()) {
      const at::Tensor sampled = vae->encode(golden.value(run, "image"), golden.value(run, "noise"));
      EXPECT_LE(max_difference(sampled, golden.value(run, "sampled")), 3e-5) << "run " << run;
    }
  }
}

TEST_P(VaeGolden, StaysNearTheReferenceInBf16) {
  const GoldenCase golden(GetParam());
  const auto vae = make_vae(golden.config(), golden.weights(at::kBFloat16));
  const at::Tensor encoded = vae->encode(golden.value(1, "image").to(at::kBFloat16), {});
  EXPECT_EQ(encoded.scalar_type(), at::kBFloat16);
  EXPECT_LE(relative_difference(encoded, golden.value(1, "encoded")), 0.05);
  const at::Tensor decoded = vae->decode(golden.value(1, "latents").to(at::kBFloat16));
  EXPECT_LE(relative_difference(decoded, golden.value(1, "decoded")), 0.05);
}

TEST_P(VaeGolden, LeavesItsInputsAlone) {
  const GoldenCase golden(GetParam());
  const auto vae = make_vae(golden.config(), golden.weights());
  const at::Tensor image = golden.value(0, "image").contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor latents = golden.value(0, "latents").contiguous(at::MemoryFormat::ChannelsLast);
  vae->encode(image, {});
  vae->decode(latents);
  EXPECT_EQ(max_difference(image, golden.value(0, "image")), 0);
  EXPECT_EQ(max_difference(latents, golden.value(0, "latents")), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, VaeGolden,
                         testing::Values("vae_tiny", "vae_tiny_zero_blocks", "vae_kl", "vae_kl_no_quant",
                                         "vae_kl_old_names"),
                         [](const auto& info) { return info.param; });

weights::Config changed(const GoldenCase& golden, const std::string& key, const nlohmann::json& value) {
  nlohmann::json json = golden.config().json();
  json[key] = value;
  return weights::Config::parse(json.dump(), golden.folder() / "config.json");
}

// In fp16 without force_upcast the outcome is rounded everywhere; with it, only at the ends.
TEST(VaeUpcast, ForceUpcastComputesInFp32) {
  const c10::InferenceMode guard;
  const GoldenCase golden("vae_kl");
  const auto upcast = make_vae(changed(golden, "force_upcast", true), golden.weights(at::kHalf));
  const auto half = make_vae(changed(golden, "force_upcast", false), golden.weights(at::kHalf));
  const at::Tensor latents = golden.value(0, "latents").to(at::kHalf);
  const at::Tensor decoded = upcast->decode(latents);
  EXPECT_EQ(decoded.scalar_type(), at::kHalf);
  const double upcast_error = relative_difference(decoded, golden.value(0, "decoded"));
  EXPECT_LE(upcast_error, 2e-3);
  EXPECT_LT(upcast_error, relative_difference(half->decode(latents), golden.value(0, "decoded")));
}

TEST(VaeFacts, ComeFromTheConfig) {
  const c10::InferenceMode guard;
  const GoldenCase tiny("vae_tiny_zero_blocks");
  const auto vae = make_vae(tiny.config(), tiny.weights());
  EXPECT_EQ(vae->latent_channels(), 16);
  EXPECT_EQ(vae->stride(), 8);
  EXPECT_EQ(vae->scaling_factor(), 10.0);
  const GoldenCase kl("vae_kl");
  EXPECT_EQ(make_vae(kl.config(), kl.weights())->stride(), 4);
}

class VaeErrors : public testing::Test {
 protected:
  void expect_refused(const std::string& model, const std::string& key, const nlohmann::json& value,
                      const std::string& shown) {
    const GoldenCase golden(model);
    try {
      make_vae(changed(golden, key, value), golden.weights());
      ADD_FAILURE() << key << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadModel);
      EXPECT_NE(std::string(error.what()).find(shown), std::string::npos) << error.what();
    }
  }
  c10::InferenceMode guard_;
};

TEST_F(VaeErrors, UnknownClass_n) {
  expect_refused("vae_tiny", "_class_name", "VQModel", "VQModel");
}

TEST_F(VaeErrors, UnsupportedOptions_n) {
  expect_refused("vae_tiny", "upsample_fn", "bilinear", "bilinear");
  expect_refused("vae_tiny", "act_fn", "softsign", "softsign");
  expect_refused("vae_tiny", "num_encoder_blocks", {1, 2}, "num_encoder_blocks");
  expect_refused("vae_tiny", "upsampling_scaling_factor", 3, "upsampling_scaling_factor");
  expect_refused("vae_kl", "latents_mean", {0, 0, 0, 0}, "latents_mean");
  expect_refused("vae_kl", "down_block_types", {"DownEncoderBlock2D", "AttnDownEncoderBlock2D", "DownEncoderBlock2D"},
                 "AttnDownEncoderBlock2D");
  expect_refused("vae_kl", "norm_num_groups", 5, "norm_num_groups");
}

TEST_F(VaeErrors, MissingAndMisshapenTensors_n) {
  expect_refused("vae_tiny", "latent_channels", 5, "encoder.layers");
  expect_refused("vae_tiny", "num_decoder_blocks", {3, 3, 4, 1}, "decoder.layers");
  expect_refused("vae_kl", "layers_per_block", 3, "resnets.2");
  expect_refused("vae_kl_no_quant", "use_quant_conv", true, "quant_conv.weight");
}

class RealTiny : public testing::TestWithParam<std::pair<std::string, double>> {};

TEST_P(RealTiny, RoundTripOfAPhoto) {
  const auto& [name, decibels] = GetParam();
  const char* data = std::getenv("LIVEEDIT_TEST_DATA");
  const std::filesystem::path weights_folder = std::filesystem::path(data == nullptr ? "" : data) / "weights" / name;
  const std::filesystem::path golden_file =
      std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden" / "networks" / name / "golden.safetensors";
  if (!std::filesystem::exists(weights_folder) || !std::filesystem::exists(golden_file)) {
    GTEST_SKIP() << "LIVEEDIT_TEST_DATA has no weights/" << name << " or no media/astronaut.png.";
  }
  const c10::InferenceMode guard;
  const GoldenCase golden(name);
  const auto vae = make_vae(weights::Config::load(weights_folder / "config.json"),
                            weights::Weights(weights::Checkpoint::open(weights_folder), at::kFloat, at::kCPU));
  const at::Tensor image = golden.value(0, "image");
  const at::Tensor latents = vae->encode(image, {});
  EXPECT_LE(max_difference(latents, golden.value(0, "encoded")), 1e-3);
  const at::Tensor decoded = vae->decode(latents);
  EXPECT_LE(max_difference(decoded, golden.value(0, "decoded")), 1e-3);
  const double mse = ((decoded.clamp(-1, 1) - image) / 2).square().mean().item<double>();
  EXPECT_NEAR(-10 * std::log10(mse), decibels, 0.1);
}

INSTANTIATE_TEST_SUITE_P(Weights, RealTiny,
                         testing::Values(std::pair<std::string, double>{"taesd", 25.4},
                                         std::pair<std::string, double>{"taesdxl", 25.7}),
                         [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace liveedit::networks
