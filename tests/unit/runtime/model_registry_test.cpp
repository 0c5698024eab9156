// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/model_registry.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/api/error.h"
#include "core/runtime/device.h"

namespace liveedit::runtime {
namespace {
namespace fs = std::filesystem;

fs::path models() {
  return fs::path(LIVEEDIT_BUILD_DIR) / "golden/img2img/models";
}

diffusion::ModelSource source_of(const fs::path& folder) {
  return {folder, {}, at::kFloat, at::kCPU};
}

TEST(ModelRegistry, StreamsShareAndTheLastOneFrees) {
  const c10::InferenceMode inference;
  ModelRegistry registry;
  auto one = registry.get(source_of(models() / "sd-turbo"), {});
  auto two = registry.get(source_of(models() / "sd-turbo"), {});
  EXPECT_EQ(one, two);
  auto half = source_of(models() / "sd-turbo");
  half.dtype = at::kBFloat16;
  EXPECT_NE(registry.get(half, {}), one);
  auto other_vae = source_of(models() / "sd-turbo");
  other_vae.vae_folder = models() / "sd-ddim";
  auto three = registry.get(other_vae, {});
  EXPECT_NE(three, one);
  EXPECT_TRUE(three->model->vae_has_posterior());
  EXPECT_EQ(registry.models_in_use(), 2U);
  const std::weak_ptr<diffusion::LoadedModel> watch = one;
  one.reset();
  EXPECT_FALSE(watch.expired());
  two.reset();
  EXPECT_TRUE(watch.expired());
  three.reset();
  EXPECT_EQ(registry.models_in_use(), 0U);
}

TEST(ModelRegistry, TwoAtOnceLoadOnce) {
  ModelRegistry registry;
  std::atomic<int> loads{0};
  const ProgressSink count = [&](const ProgressStep& step) {
    if (step.text == "Loading the UNet") ++loads;
    return true;
  };
  std::vector<std::shared_ptr<diffusion::LoadedModel>> got(4);
  std::vector<std::thread> threads;
  for (auto& slot : got) {
    threads.emplace_back([&] {
      const c10::InferenceMode inference;
      slot = registry.get(source_of(models() / "sd-turbo"), count);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
  for (const auto& one : got) EXPECT_EQ(one, got[0]);
}

TEST(ModelRegistry, StoppedLoadingLeavesNothing_n) {
  const c10::InferenceMode inference;
  ModelRegistry registry;
  const ProgressSink stop = [](const ProgressStep& step) { return step.text != "Loading the UNet"; };
  EXPECT_THROW(registry.get(source_of(models() / "sd-turbo"), stop), Error);
  EXPECT_EQ(registry.models_in_use(), 0U);
  EXPECT_NE(registry.get(source_of(models() / "sd-turbo"), {}), nullptr);
}

// A copy of a good model with one thing wrong.
class BrokenModel : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("liveedit_broken_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::copy(models() / "sd-turbo", folder_, fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void expect_error(ErrorKind kind, const std::string& names) {
    const c10::InferenceMode inference;
    ModelRegistry registry;
    try {
      registry.get(source_of(folder_), {});
      ADD_FAILURE() << "loaded";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find(names), std::string::npos) << error.what();
    }
    EXPECT_EQ(registry.models_in_use(), 0U);
  }
  void write(const fs::path& file, const std::string& text) const { std::ofstream(folder_ / file) << text; }

  fs::path folder_;
};

TEST_F(BrokenModel, MissingWeights_n) {
  fs::remove(folder_ / "unet/diffusion_pytorch_model.safetensors");
  expect_error(ErrorKind::kNotFound, "unet");
}

TEST_F(BrokenModel, TruncatedWeights_n) {
  const fs::path file = folder_ / "unet/diffusion_pytorch_model.safetensors";
  fs::resize_file(file, fs::file_size(file) / 2);
  expect_error(ErrorKind::kBadModel, "diffusion_pytorch_model.safetensors");
}

TEST_F(BrokenModel, GarbageWeights_n) {
  write("vae/diffusion_pytorch_model.safetensors", std::string(4096, 'x'));
  expect_error(ErrorKind::kBadModel, "vae");
}

TEST_F(BrokenModel, WeightsOfAnotherShape_n) {
  fs::copy_file(models() / "sdxl/unet/diffusion_pytorch_model.safetensors",
                folder_ / "unet/diffusion_pytorch_model.safetensors", fs::copy_options::overwrite_existing);
  expect_error(ErrorKind::kBadModel, "unet");
}

TEST_F(BrokenModel, ConfigThatIsNoJson_n) {
  write("unet/config.json", "{\"in_channels\": ");
  expect_error(ErrorKind::kBadModel, "unet");
}

TEST_F(BrokenModel, MissingScheduler_n) {
  fs::remove_all(folder_ / "scheduler");
  expect_error(ErrorKind::kNotFound, "scheduler");
}

TEST_F(BrokenModel, MissingTokenizer_n) {
  fs::remove(folder_ / "tokenizer/vocab.json");
  fs::remove(folder_ / "tokenizer/tokenizer.json");
  expect_error(ErrorKind::kNotFound, "vocab.json");
}

TEST_F(BrokenModel, PipelineOfAnotherKind_n) {
  write("model_index.json", R"({"_class_name": "AudioLDMPipeline"})");
  expect_error(ErrorKind::kBadModel, "AudioLDMPipeline");
}

TEST_F(BrokenModel, DefaultsOutOfRange_n) {
  write("model_index.json", R"({"_class_name": "StableDiffusionPipeline", "_liveedit": {"strength": 7}})");
  expect_error(ErrorKind::kBadModel, "_liveedit");
}

TEST(ChooseDevice, WordsAreTakenOrExplained_n) {
  EXPECT_TRUE(choose_device("cpu").is_cpu());
  EXPECT_NO_THROW(choose_device("auto"));
  for (const char* wrong : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU"}) {
    try {
      choose_device(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kSettings) << wrong;
    }
  }
  try {
    choose_device("cuda:99");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  }
  EXPECT_THROW(choose_dtype(Dtype::kFp16, at::kCPU), Error);
  EXPECT_EQ(choose_dtype(Dtype::kAuto, at::Device(at::kCUDA, 0)), at::kHalf);
}

}  // namespace
}  // namespace liveedit::runtime
