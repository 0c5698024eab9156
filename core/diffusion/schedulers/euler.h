// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/diffusion/schedulers/noise_levels.h"

namespace liveedit::diffusion {

// Euler steps over sigma = sqrt((1 - alpha) / alpha) (arXiv 2206.00364, algorithm 2 without churn).
// The ancestral kind steps further down and adds noise to come back.
class EulerScheduler : public Scheduler {
 public:
  EulerScheduler(const weights::Config& config, const NoiseDefaults& defaults, bool ancestral, bool pipeline_overrides);
  Timeline timeline(int num_inference_steps, double strength) const override;
  Timeline single_step(double timestep) const override;
  Schedule schedule(const Timeline& timeline, int first) const override;

 private:
  double sigma_at(double timestep) const;        // linear between whole timesteps
  double timestep_of(double sigma) const;        // linear in log sigma
  void use_karras(Timeline& line, int n) const;  // replaces sigmas by those of arXiv 2206.00364, equation 5

  NoiseLevels levels_;
  std::vector<float> sigmas_;  // by training timestep
  bool ancestral_;
  bool karras_;
  double sigma_min_;  // of the Karras range; 0: the schedule's own
  double sigma_max_;
  double final_sigma_;
};

}  // namespace liveedit::diffusion
