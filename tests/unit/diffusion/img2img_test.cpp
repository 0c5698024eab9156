// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole pictures against diffusers' img2img pipelines on tiny models of each family: tests/golden/img2img.py.
#include "core/diffusion/img2img.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/diffusion/edit_settings.h"
#include "tests/unit/diffusion/golden_files.h"

namespace liveedit::diffusion {
namespace {

std::shared_ptr<const TextEmbedding> embed(const Model& model, const std::string& text, bool negative) {
  return std::make_shared<const TextEmbedding>(model.embed(text, negative));
}

EditParams params_of(const nlohmann::json& one) {
  EditParams params;
  params.prompt = one.at("prompt");
  params.negative_prompt = one.at("negative_prompt");
  params.strength = one.at("strength");
  params.num_inference_steps = one.at("num_inference_steps");
  params.guidance_scale = one.at("guidance_scale");
  params.seed = one.at("seed");
  return params;
}

at::Tensor edit(const Model& model, const EditParams& params, const at::Tensor& picture, FrameProgram* program) {
  const EditSettings settings = resolve_settings(params, model);
  EditTexts texts{embed(model, params.prompt, false), nullptr};
  if (guides_by_batch(model, settings)) texts.negative = embed(model, params.negative_prompt, true);
  program->update(settings, texts);
  const at::Tensor input = (picture * 2 - 1).contiguous(at::MemoryFormat::ChannelsLast);
  return at::clamp(program->run(input, 1) * 0.5 + 0.5, 0, 1);
}

class Img2ImgGolden : public testing::Test {
 protected:
  const c10::InferenceMode inference_;
  const std::filesystem::path folder_ = test::golden_folder("img2img");
  const nlohmann::json cases_ = test::read_json(folder_ / "cases.json").at("cases");
  const std::map<std::string, at::Tensor> values_ = test::read_tensors(folder_ / "values.safetensors");

  const Model& model(const std::string& name) {
    std::unique_ptr<Model>& one = models_[name];
    if (!one) one = Model::load({folder_ / "models" / name, {}, at::kFloat, at::kCPU}, {});
    return *one;
  }

 private:
  std::map<std::string, std::unique_ptr<Model>> models_;
};

TEST_F(Img2ImgGolden, PicturesAreDiffusers) {
  const at::Tensor& picture = values_.at("picture");
  double worst = 0;
  for (const nlohmann::json& one : cases_) {
    SCOPED_TRACE(one.dump());
    const Model& net = model(one.at("model"));
    const EditParams params = params_of(one);
    const auto program = make_frame_program(net, resolve_settings(params, net), static_cast<int>(picture.size(2)),
                                            static_cast<int>(picture.size(3)));
    const at::Tensor ours = edit(net, params, picture, program.get());
    const at::Tensor& wanted = values_.at(one.at("key"));
    EXPECT_GT(wanted.std().item<double>(), 1e-3) << "a flat picture would prove nothing";
    const double difference = test::max_difference(ours, wanted);
    worst = std::max(worst, difference);
    EXPECT_LE(difference, 1e-4);
  }
  RecordProperty("worst_difference", std::to_string(worst));
}

// The same program, changed from case to case as a live stream changes it, gives what a fresh one gives: nothing of the
// earlier settings stays behind.
TEST_F(Img2ImgGolden, ChangedSettingsLeaveNothingBehind) {
  const at::Tensor& picture = values_.at("picture");
  std::map<std::string, std::unique_ptr<FrameProgram>> programs;
  int reused = 0;
  for (int round = 0; round < 2; ++round) {
    for (const nlohmann::json& one : cases_) {
      SCOPED_TRACE(one.dump());
      const Model& net = model(one.at("model"));
      const EditParams params = params_of(one);
      const EditSettings settings = resolve_settings(params, net);
      std::unique_ptr<FrameProgram>& program = programs[one.at("model")];
      if (program && program->fits(settings)) {
        ++reused;
      } else {
        program =
            make_frame_program(net, settings, static_cast<int>(picture.size(2)), static_cast<int>(picture.size(3)));
      }
      EXPECT_LE(test::max_difference(edit(net, params, picture, program.get()), values_.at(one.at("key"))), 1e-4);
    }
  }
  EXPECT_GT(reused, 5);
}

TEST_F(Img2ImgGolden, StrengthIsContinuousForOneStep) {
  const at::Tensor& picture = values_.at("picture");
  const Model& net = model("sd-turbo");
  EditParams params;
  params.prompt = "oil paint";
  params.num_inference_steps = 1;
  at::Tensor before;
  double largest = 0;
  for (int i = 1; i <= 50; ++i) {
    params.strength = static_cast<float>(i) / 100;
    const auto program = make_frame_program(net, resolve_settings(params, net), static_cast<int>(picture.size(2)),
                                            static_cast<int>(picture.size(3)));
    const at::Tensor ours = edit(net, params, picture, program.get());
    ASSERT_TRUE(at::isfinite(ours).all().item<bool>());
    if (before.defined()) largest = std::max(largest, (ours - before).abs().mean().item<double>());
    before = ours;
  }
  EXPECT_GT(largest, 0);
  EXPECT_LT(largest, 0.05);
}

TEST(GuidanceEmbedding, OddWidthIsPadded) {
  const at::Tensor embedding = guidance_embedding(8.5, 33);
  EXPECT_EQ(embedding.sizes(), (std::vector<std::int64_t>{1, 33}));
  EXPECT_EQ(embedding[0][32].item<float>(), 0);
}

}  // namespace
}  // namespace liveedit::diffusion
