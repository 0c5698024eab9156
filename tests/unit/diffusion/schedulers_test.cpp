// SPDX-License-Identifier: LGPL-2.1-or-later
// Every scheduler against diffusers': tests/golden/schedulers.py.
#include "core/diffusion/schedulers/scheduler.h"

#include <gtest/gtest.h>

#include "core/api/error.h"
#include "tests/unit/diffusion/golden_files.h"

namespace liveedit::diffusion {
namespace {

using nlohmann::json;

weights::Config config_of(const json& value) {
  return weights::Config::parse(value.dump(), "scheduler_config.json");
}

// The stand-in for the network, as in schedulers.py.
at::Tensor network(const at::Tensor& sample, double timestep) {
  return at::sin(1.7 * sample) * 0.6 + 0.3 * at::cos(sample + timestep * 0.01);
}

class SchedulerGolden : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cases_ = new json(test::read_json(test::golden_folder("schedulers") / "cases.json").at("cases"));
    values_ = new std::map(test::read_tensors(test::golden_folder("schedulers") / "values.safetensors"));
  }
  static void TearDownTestSuite() {
    delete cases_;
    delete values_;
  }

  static const at::Tensor& value(const json& one, const std::string& what) {
    return values_->at(one.at("name").get<std::string>() + "." + what);
  }

  static std::pair<Timeline, Schedule> plan(const json& one) {
    const SchedulerChoice choice = make_scheduler(config_of(one.at("config")), false);
    const int steps = one.at("num_inference_steps");
    const double strength = one.at("strength");
    if (one.at("consistency")) {
      const Timeline line = choice.scheduler->timeline(steps, strength);
      return {line, choice.scheduler->schedule(line, 0)};
    }
    return {choice.scheduler->timeline(steps), choice.scheduler->img2img(steps, strength)};
  }

  static json* cases_;
  static std::map<std::string, at::Tensor>* values_;
};
json* SchedulerGolden::cases_ = nullptr;
std::map<std::string, at::Tensor>* SchedulerGolden::values_ = nullptr;

TEST_F(SchedulerGolden, TimestepsAndSigmasAreDiffusers) {
  for (const json& one : *cases_) {
    SCOPED_TRACE(one.dump().substr(0, 600));
    const auto [line, schedule] = plan(one);
    const at::Tensor expected = value(one, "timesteps");
    ASSERT_EQ(static_cast<std::int64_t>(schedule.steps.size()), expected.numel());
    for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
      EXPECT_NEAR(schedule.steps[i].timestep, expected[i].item<double>(), 1e-5 * 1000);
    }
    const auto sigmas = values_->find(one.at("name").get<std::string>() + ".sigmas");
    if (sigmas == values_->end()) continue;
    ASSERT_EQ(static_cast<std::int64_t>(line.sigmas.size()), sigmas->second.numel());
    for (std::size_t i = 0; i < line.sigmas.size(); ++i) {
      const double wanted = sigmas->second[i].item<double>();
      EXPECT_NEAR(line.sigmas[i], wanted, 1e-5 * std::max(1.0, wanted));
    }
  }
}

TEST_F(SchedulerGolden, TrajectoriesAreDiffusers) {
  double worst = 0;
  for (const json& one : *cases_) {
    SCOPED_TRACE(one.dump().substr(0, 600));
    const Schedule schedule = plan(one).second;
    const at::Tensor expected = value(one, "trajectory");
    const at::Tensor drawn = value(one, "drawn");
    at::Tensor sample = schedule.start_latents * value(one, "latents") + schedule.start_noise * value(one, "noise");
    ASSERT_EQ(expected.size(0), static_cast<std::int64_t>(schedule.steps.size()) + 1);
    std::int64_t draws = 0;
    double reference_rounding = 0;
    for (std::size_t i = 0; i <= schedule.steps.size(); ++i) {
      const at::Tensor wanted = expected[static_cast<std::int64_t>(i)].unsqueeze(0);
      const double scale = std::max(1.0, wanted.abs().max().item<double>());
      const double difference = test::max_difference(sample, wanted);
      worst = std::max(worst, difference / scale);
      // Where a step falls from a huge sigma (4096 at zero terminal SNR), the reference itself rounds at the larger
      // number's last bit.
      ASSERT_LE(difference, 1e-5 * scale + reference_rounding) << "after step " << i;
      reference_rounding = wanted.abs().max().item<double>() * std::numeric_limits<float>::epsilon();
      if (i == schedule.steps.size()) break;
      sample = wanted;  // each step from the reference's own sample: its rounding is not ours to repeat
      const SchedulerStep& step = schedule.steps[i];
      const at::Tensor output = network(step.input_scale * sample, step.timestep);
      at::Tensor x0 = step.x0_sample * sample + step.x0_output * output;
      if (schedule.clip > 0) x0 = at::clamp(x0, -schedule.clip, schedule.clip);
      sample = step.next_x0 * x0 + step.next_sample * sample + step.next_output * output;
      if (step.draws_noise) sample = sample + step.next_noise * drawn[draws++].unsqueeze(0);
    }
    EXPECT_EQ(draws, drawn.size(0)) << "noise is drawn as often as diffusers draws it";
  }
  RecordProperty("worst_relative_difference", std::to_string(worst));
}

json latent_betas() {
  return {{"_class_name", "EulerDiscreteScheduler"}, {"beta_start", 0.00085},          {"beta_end", 0.012},
          {"beta_schedule", "scaled_linear"},        {"timestep_spacing", "trailing"}, {"steps_offset", 1}};
}

TEST(Scheduler, StrengthBelowOneStepStartsAtItsOwnTimestep) {
  const SchedulerChoice choice = make_scheduler(config_of(latent_betas()), true);
  for (const double strength : {0.1, 0.3, 0.5, 0.77, 0.999}) {
    const Schedule schedule = choice.scheduler->img2img(1, strength);
    ASSERT_EQ(schedule.steps.size(), 1U);
    EXPECT_EQ(schedule.steps[0].timestep, std::nearbyint(strength * 1000) - 1);
  }
  // Where diffusers has a step, it is the same one: no jump between 1 step below 1 and 2 steps at one half.
  EXPECT_EQ(choice.scheduler->img2img(2, 0.5).steps[0].timestep, choice.scheduler->img2img(1, 0.5).steps[0].timestep);
  EXPECT_NEAR(choice.scheduler->img2img(2, 0.5).start_noise, choice.scheduler->img2img(1, 0.5).start_noise, 1e-6);
}

TEST(Scheduler, MoreStrengthIsMoreNoise) {
  for (const char* name : {"EulerDiscreteScheduler", "LCMScheduler", "DDIMScheduler", "TCDScheduler"}) {
    json config = latent_betas();
    config["_class_name"] = name;
    const SchedulerChoice choice = make_scheduler(config_of(config), true);
    double before = 0;
    for (int i = 1; i <= 99; ++i) {
      const double noise = choice.scheduler->img2img(1, i / 100.0).start_noise;
      EXPECT_GT(noise, before) << name << " at " << i;
      before = noise;
    }
  }
}

TEST(Scheduler, PndmIsStoodInForAndSaysSo) {
  json config = latent_betas();
  config["timestep_spacing"] = "leading";
  const SchedulerChoice euler = make_scheduler(config_of(config), true);
  config["_class_name"] = "PNDMScheduler";
  config.erase("timestep_spacing");
  config["skip_prk_steps"] = true;
  const SchedulerChoice pndm = make_scheduler(config_of(config), true);
  EXPECT_EQ(pndm.class_name, "PNDMScheduler");
  EXPECT_NE(pndm.warning.find("PNDMScheduler"), std::string::npos);
  EXPECT_EQ(euler.warning, "");
  EXPECT_EQ(pndm.scheduler->timeline(20).timesteps, euler.scheduler->timeline(20).timesteps);
  EXPECT_EQ(pndm.scheduler->timeline(20).sigmas, euler.scheduler->timeline(20).sigmas);
}

ErrorKind kind_of(const json& config, int steps) {
  try {
    make_scheduler(config_of(config), true).scheduler->timeline(steps);
  } catch (const Error& error) {
    EXPECT_GT(std::string(error.what()).size(), 20U);
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInference;
}

TEST(Scheduler, UnknownOptionsAreRefused_n) {
  const std::vector<std::pair<std::string, json>> wrong = {
      {"_class_name", "MagicScheduler"},
      {"beta_schedule", "sigmoid"},
      {"prediction_type", "score"},
      {"timestep_spacing", "sideways"},
      {"thresholding", true},
      {"use_beta_sigmas", true},
      {"use_exponential_sigmas", true},
      {"interpolation_type", "cubic"},
      {"timestep_type", "continuous"},
      {"num_train_timesteps", 0},
      {"num_train_timesteps", 1000000000},
      {"steps_offset", -1},
      {"trained_betas", {0.1, 0.2}},
      {"beta_end", 7.0},
      {"beta_start", "low"},
  };
  for (const auto& [key, value] : wrong) {
    SCOPED_TRACE(key);
    json config = latent_betas();
    config[key] = value;
    EXPECT_EQ(kind_of(config, 4), ErrorKind::kBadModel);
  }
}

TEST(Scheduler, StepsOutOfRangeAreRefused_n) {
  json config = latent_betas();
  for (const int steps : {0, -1, 1001}) EXPECT_EQ(kind_of(config, steps), ErrorKind::kSettings);
  config["_class_name"] = "LCMScheduler";
  for (const int steps : {0, 51}) EXPECT_EQ(kind_of(config, steps), ErrorKind::kSettings);
}

}  // namespace
}  // namespace liveedit::diffusion
