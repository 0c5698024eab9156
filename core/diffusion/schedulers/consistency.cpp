// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/schedulers/consistency.h"

#include <algorithm>
#include <cmath>

#include "core/api/error.h"

namespace liveedit::diffusion {

ConsistencyScheduler::ConsistencyScheduler(const weights::Config& config, bool keep_clip)
    : Scheduler(static_cast<int>(config.integer("num_train_timesteps", 1000))),
      levels_(read_noise_levels(config, kLatentDefaults, false)),
      original_inference_steps_(static_cast<int>(config.integer("original_inference_steps", 50))) {
  if (!keep_clip) levels_.clip = 0;
  if (original_inference_steps_ < 1 || original_inference_steps_ > num_train_timesteps()) {
    throw Error(ErrorKind::kBadModel,
                config.file().string() + ": original_inference_steps must be 1 to num_train_timesteps.");
  }
}

Timeline ConsistencyScheduler::timeline(int n, double strength) const {
  const int reachable = static_cast<int>(original_inference_steps_ * strength);
  if (n < 1 || n > reachable) {
    throw Error(ErrorKind::kSettings, "num-inference-steps is " + std::to_string(n) + "; this model takes 1 to " +
                                          std::to_string(reachable) + " at this strength.");
  }
  const int gap = num_train_timesteps() / original_inference_steps_;
  Timeline line;
  line.num_inference_steps = n;
  for (const double index : linspace(0, reachable, n, false)) {
    line.timesteps.push_back((reachable - std::floor(index)) * gap - 1);
  }
  return line;
}

Schedule ConsistencyScheduler::consistency_img2img(int n, double strength) const {
  const int reachable = static_cast<int>(original_inference_steps_ * strength);
  timeline(n, 1);  // refuses an n that no strength allows
  if (reachable < 1) return img2img(1, strength);
  return schedule(timeline(std::min(n, reachable), strength), 0);
}

Timeline ConsistencyScheduler::single_step(double timestep) const {
  return {{timestep}, {}, 1};
}

}  // namespace liveedit::diffusion
