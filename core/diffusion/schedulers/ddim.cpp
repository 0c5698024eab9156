// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/schedulers/ddim.h"

#include <algorithm>
#include <cmath>

namespace liveedit::diffusion {

DdimScheduler::DdimScheduler(const weights::Config& config, bool pipeline_overrides, double eta)
    : Scheduler(static_cast<int>(config.integer("num_train_timesteps", 1000))),
      levels_(read_noise_levels(config, NoiseDefaults{}, true)),
      eta_(eta) {
  if (pipeline_overrides) {
    levels_.clip = 0;
    levels_.steps_offset = 1;
  }
}

Timeline DdimScheduler::timeline(int n, double) const {
  return {spaced_timesteps(levels_, n, true), {}, n};
}

Timeline DdimScheduler::single_step(double timestep) const {
  return {{timestep}, {}, 1};
}

Schedule DdimScheduler::schedule(const Timeline& timeline, int first) const {
  Schedule out;
  out.clip = levels_.clip;
  const double start = levels_.alpha(timeline.timesteps.at(first));
  out.start_latents = std::sqrt(start);
  out.start_noise = std::sqrt(1 - start);
  const int gap = num_train_timesteps() / timeline.num_inference_steps;
  for (std::size_t i = first; i < timeline.timesteps.size(); ++i) {
    SchedulerStep step;
    step.timestep = timeline.timesteps[i];
    const double alpha = levels_.alpha(step.timestep);
    const double next = levels_.alpha(step.timestep - gap);
    const double variance = (1 - next) / (1 - alpha) * (1 - alpha / next);
    const double deviation = eta_ > 0 ? eta_ * std::sqrt(std::max(0.0, variance)) : 0;
    const double direction = std::sqrt(std::max(0.0, 1 - next - deviation * deviation));
    const Mix x0 = predicted_x0(levels_.prediction, alpha);
    const Mix noise = predicted_noise(levels_.prediction, alpha);
    step.x0_sample = x0.sample;
    step.x0_output = x0.output;
    step.next_x0 = std::sqrt(next);
    step.next_sample = direction * noise.sample;
    step.next_output = direction * noise.output;
    step.next_noise = deviation;
    step.draws_noise = eta_ > 0;
    out.steps.push_back(step);
  }
  return out;
}

}  // namespace liveedit::diffusion
