// SPDX-License-Identifier: LGPL-2.1-or-later
// The denoising batch against StreamDiffusion's own, over 20 frames: tests/golden/stream_batch.py.
#include "core/diffusion/stream_batch.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/api/error.h"
#include "core/diffusion/edit_settings.h"
#include "tests/unit/diffusion/golden_files.h"

namespace liveedit::diffusion {
namespace {

class StreamBatchGolden : public testing::Test {
 protected:
  const c10::InferenceMode inference_;
  const std::filesystem::path folder_ = test::golden_folder("stream_batch");
  const nlohmann::json cases_ = test::read_json(folder_ / "cases.json").at("cases");
  const std::map<std::string, at::Tensor> values_ = test::read_tensors(folder_ / "values.safetensors");
  const std::unique_ptr<Model> model_ = Model::load({folder_ / "model", {}, at::kFloat, at::kCPU}, {});

  static EditParams params_of(const nlohmann::json& one) {
    EditParams params;
    params.prompt = one.at("prompt");
    params.num_inference_steps = one.at("num_inference_steps");
    params.seed = one.at("seed");
    params.t_index_list = one.at("t_index_list").get<std::vector<int>>();
    return params;
  }

  std::unique_ptr<FrameProgram> program(const EditParams& params) const {
    const EditSettings settings = resolve_settings(params, *model_);
    auto made = make_frame_program(*model_, settings, 16, 24);
    made->update(settings, {std::make_shared<const TextEmbedding>(model_->embed(params.prompt, false)), nullptr});
    return made;
  }

  at::Tensor frame(std::int64_t index) const {
    return (values_.at("frames").narrow(0, index, 1) * 2 - 1).contiguous(at::MemoryFormat::ChannelsLast);
  }
};

TEST_F(StreamBatchGolden, TwentyFramesAreStreamDiffusions) {
  double worst = 0;
  for (const nlohmann::json& one : cases_) {
    SCOPED_TRACE(one.dump());
    const auto batch = program(params_of(one));
    const at::Tensor& wanted = values_.at(one.at("key"));
    ASSERT_EQ(wanted.size(0), 20);
    EXPECT_GT((wanted[10] - wanted[19]).abs().max().item<double>(), 1e-3) << "the picture must move";
    for (std::int64_t i = 0; i < wanted.size(0); ++i) {
      const double difference = test::max_difference(batch->run(frame(i), 1), wanted.narrow(0, i, 1));
      worst = std::max(worst, difference);
      ASSERT_LE(difference, 1e-4) << "frame " << i;
    }
  }
  RecordProperty("worst_difference", std::to_string(worst));
}

// A frame's picture does not depend on the frames around it, so a batch that is pushed through in one call gives the
// same picture.
TEST_F(StreamBatchGolden, RoundsPushTheOldestFrameOut) {
  for (const nlohmann::json& one : cases_) {
    SCOPED_TRACE(one.dump());
    const int steps = static_cast<int>(one.at("t_index_list").size());
    for (int entered = 1; entered <= steps; ++entered) {
      const auto batch = program(params_of(one));
      for (int i = 0; i + 1 < entered; ++i) batch->run(frame(i), 1);
      const at::Tensor pushed = batch->run(frame(entered - 1), steps - entered + 1);
      EXPECT_LE(test::max_difference(pushed, values_.at(one.at("key")).narrow(0, steps - 1, 1)), 1e-4) << entered;
    }
  }
}

TEST_F(StreamBatchGolden, WrongSettingsAreRefused_n) {
  const auto refused = [this](EditParams params) {
    try {
      resolve_settings(params, *model_);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kSettings && std::string(error.what()).size() > 15;
    }
    return false;
  };
  EditParams params;
  params.t_index_list = {32, 45};
  EXPECT_FALSE(refused(params)) << "50 steps are the default for a t-index-list";
  EditParams wrong = params;
  wrong.t_index_list = {45, 32};
  EXPECT_TRUE(refused(wrong));
  wrong.t_index_list = {32, 32};
  EXPECT_TRUE(refused(wrong));
  wrong.t_index_list = {-1, 3};
  EXPECT_TRUE(refused(wrong));
  wrong.t_index_list = {50};
  EXPECT_TRUE(refused(wrong));
  wrong = params;
  wrong.num_inference_steps = 4;
  EXPECT_TRUE(refused(wrong));
  for (const CfgType type : {CfgType::kFull, CfgType::kSelf, CfgType::kInitialize}) {
    wrong = params;
    wrong.cfg_type = type;
    EXPECT_TRUE(refused(wrong));
  }
}

}  // namespace
}  // namespace liveedit::diffusion
