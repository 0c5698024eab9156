// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/diffusion/schedulers/noise_levels.h"

namespace liveedit::diffusion {

// Denoising diffusion implicit models (arXiv 2010.02502). `eta` 0 is deterministic, 1 is DDPM.
class DdimScheduler : public Scheduler {
 public:
  DdimScheduler(const weights::Config& config, bool pipeline_overrides, double eta);
  Timeline timeline(int num_inference_steps, double strength) const override;
  Timeline single_step(double timestep) const override;
  Schedule schedule(const Timeline& timeline, int first) const override;

 private:
  NoiseLevels levels_;
  double eta_;
};

}  // namespace liveedit::diffusion
