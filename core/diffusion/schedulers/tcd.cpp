// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "core/diffusion/schedulers/consistency.h"

namespace liveedit::diffusion {

TcdScheduler::TcdScheduler(const weights::Config& config, double gamma)
    : ConsistencyScheduler(config, false), gamma_(gamma) {}

Schedule TcdScheduler::schedule(const Timeline& timeline, int first) const {
  Schedule out;
  const std::vector<double>& times = timeline.timesteps;
  const double start = levels().alpha(times.at(first));
  out.start_latents = std::sqrt(start);
  out.start_noise = std::sqrt(1 - start);
  for (std::size_t i = first; i < times.size(); ++i) {
    const bool last = i + 1 == times.size();
    const double next = last ? 0 : times[i + 1];
    const double alpha = levels().alpha(times[i]);
    const double alpha_s =
        levels().alpha(std::floor((1 - gamma_) * next));  // the less noisy point that x_s is predicted for
    const double alpha_next = levels().alpha(next);
    const bool noisy = gamma_ > 0 && !last;
    // From x_s back up to x_next with fresh noise.
    const double back = noisy ? std::sqrt(alpha_next / alpha_s) : 1.0;
    SchedulerStep step;
    step.timestep = times[i];
    const Mix x0 = predicted_x0(levels().prediction, alpha);
    const Mix noise = predicted_noise(levels().prediction, alpha);
    step.x0_sample = x0.sample;
    step.x0_output = x0.output;
    step.next_x0 = back * std::sqrt(alpha_s);
    step.next_sample = back * std::sqrt(1 - alpha_s) * noise.sample;
    step.next_output = back * std::sqrt(1 - alpha_s) * noise.output;
    step.next_noise = noisy ? std::sqrt(std::max(0.0, 1 - alpha_next / alpha_s)) : 0;
    step.draws_noise = noisy;
    out.steps.push_back(step);
  }
  return out;
}

}  // namespace liveedit::diffusion
