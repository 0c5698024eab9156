// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/diffusion/schedulers/noise_levels.h"

namespace liveedit::diffusion {

// The timesteps of consistency distillation, which LCM and TCD share: original_inference_steps evenly spaced ones, of
// which n are taken.
class ConsistencyScheduler : public Scheduler {
 public:
  Timeline timeline(int num_inference_steps, double strength) const override;
  Timeline single_step(double timestep) const override;
  Schedule consistency_img2img(int num_inference_steps, double strength) const override;

 protected:
  ConsistencyScheduler(const weights::Config& config, bool keep_clip);
  const NoiseLevels& levels() const { return levels_; }

 private:
  NoiseLevels levels_;
  int original_inference_steps_;
};

// Latent consistency models (arXiv 2310.04378).
class LcmScheduler : public ConsistencyScheduler {
 public:
  LcmScheduler(const weights::Config& config, bool keep_clip);
  Schedule schedule(const Timeline& timeline, int first) const override;

 private:
  double timestep_scaling_;
};

// Trajectory consistency distillation (arXiv 2402.19159). `gamma` 0..1 is how much of each step is fresh noise;
// diffusers' pipelines call it eta and leave it at 0.
class TcdScheduler : public ConsistencyScheduler {
 public:
  TcdScheduler(const weights::Config& config, double gamma);
  Schedule schedule(const Timeline& timeline, int first) const override;

 private:
  double gamma_;
};

}  // namespace liveedit::diffusion
