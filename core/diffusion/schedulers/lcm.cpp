// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "core/diffusion/schedulers/consistency.h"

namespace liveedit::diffusion {

LcmScheduler::LcmScheduler(const weights::Config& config, bool keep_clip)
    : ConsistencyScheduler(config, keep_clip), timestep_scaling_(config.number("timestep_scaling", 10.0)) {}

Schedule LcmScheduler::schedule(const Timeline& timeline, int first) const {
  constexpr double kSigmaData = 0.5;
  Schedule out;
  out.clip = levels().clip;
  const std::vector<double>& times = timeline.timesteps;
  const double start = levels().alpha(times.at(first));
  out.start_latents = std::sqrt(start);
  out.start_noise = std::sqrt(1 - start);
  for (std::size_t i = first; i < times.size(); ++i) {
    SchedulerStep step;
    step.timestep = times[i];
    const Mix x0 = predicted_x0(levels().prediction, levels().alpha(times[i]));
    step.x0_sample = x0.sample;
    step.x0_output = x0.output;
    // The boundary condition: denoised = skip * sample + out * x0.
    const double scaled = times[i] * timestep_scaling_;
    const double norm = scaled * scaled + kSigmaData * kSigmaData;
    const bool last = i + 1 == times.size();
    const double next = last ? 1.0 : levels().alpha(times[i + 1]);
    step.next_sample = std::sqrt(next) * kSigmaData * kSigmaData / norm;
    step.next_x0 = std::sqrt(next) * scaled / std::sqrt(norm);
    step.next_noise = std::sqrt(1 - next);
    step.draws_noise = !last;
    out.steps.push_back(step);
  }
  return out;
}

}  // namespace liveedit::diffusion
