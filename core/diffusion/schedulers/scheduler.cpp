// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/schedulers/scheduler.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/api/error.h"
#include "core/diffusion/schedulers/consistency.h"
#include "core/diffusion/schedulers/ddim.h"
#include "core/diffusion/schedulers/euler.h"

namespace liveedit::diffusion {
namespace {

constexpr NoiseDefaults kEulerDefaults{0.0001, 0.02, "linear", "linspace"};

// Schedulers of many steps that need the outputs of earlier ones, or more calls a step: Euler on the same betas ends at
// the same picture.
constexpr std::array kStoodInFor = {
    "PNDMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "UniPCMultistepScheduler",
    "LMSDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "DEISMultistepScheduler",
    "DDPMScheduler",
};

}  // namespace

Schedule Scheduler::img2img(int num_inference_steps, double strength) const {
  const Timeline line = timeline(num_inference_steps, 1);
  const int kept = std::min(static_cast<int>(num_inference_steps * strength), num_inference_steps);
  if (kept >= 1) return schedule(line, num_inference_steps - kept);
  const double t = std::nearbyint(strength * num_train_timesteps()) - 1;
  return schedule(single_step(std::max(0.0, t)), 0);
}

SchedulerChoice make_scheduler(const weights::Config& config, bool pipeline_overrides) {
  SchedulerChoice choice;
  choice.class_name = config.string("_class_name");
  const std::string& name = choice.class_name;
  choice.trailing = config.string("timestep_spacing", "") == "trailing";
  if (name == "LCMScheduler") {
    choice.scheduler = std::make_unique<LcmScheduler>(config, !pipeline_overrides);
    choice.consistency = true;
  } else if (name == "TCDScheduler") {
    choice.scheduler = std::make_unique<TcdScheduler>(config, 0.0);
    choice.consistency = true;
  } else if (name == "DDIMScheduler") {
    choice.scheduler = std::make_unique<DdimScheduler>(config, pipeline_overrides, 0.0);
  } else if (name == "EulerDiscreteScheduler") {
    choice.scheduler = std::make_unique<EulerScheduler>(config, kEulerDefaults, false, pipeline_overrides);
  } else if (name == "EulerAncestralDiscreteScheduler") {
    choice.scheduler = std::make_unique<EulerScheduler>(config, kEulerDefaults, true, pipeline_overrides);
  } else if (std::find(kStoodInFor.begin(), kStoodInFor.end(), name) != kStoodInFor.end()) {
    const NoiseDefaults defaults{0.0001, 0.02, "linear", name == "PNDMScheduler" ? "leading" : "linspace"};
    choice.scheduler = std::make_unique<EulerScheduler>(config, defaults, false, pipeline_overrides);
    choice.warning = "The model's scheduler " + name +
                     " is not built in; EulerDiscreteScheduler with the same betas stands in for it.";
  } else {
    throw Error(ErrorKind::kBadModel, config.file().string() + ": the scheduler " + name +
                                          " is not known; use LCMScheduler, EulerDiscreteScheduler, "
                                          "EulerAncestralDiscreteScheduler, DDIMScheduler or TCDScheduler.");
  }
  return choice;
}

std::unique_ptr<Scheduler> make_stream_scheduler(const weights::Config& config) {
  return std::make_unique<LcmScheduler>(config, false);
}

}  // namespace liveedit::diffusion
