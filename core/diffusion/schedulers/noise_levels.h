// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "core/diffusion/schedulers/scheduler.h"
#include "core/weights/config.h"

namespace liveedit::diffusion {

enum class Spacing { kLeading, kTrailing, kLinspace };

// What each class takes where its config.json says nothing.
struct NoiseDefaults {
  double beta_start = 0.0001;
  double beta_end = 0.02;
  const char* beta_schedule = "linear";
  const char* spacing = "leading";
};
inline constexpr NoiseDefaults kLatentDefaults{0.00085, 0.012, "scaled_linear", "leading"};

// The training noise of a model and how its timesteps are chosen: the part of a scheduler_config.json that all
// schedulers share.
struct NoiseLevels {
  int num_train_timesteps = 1000;
  std::vector<float> alphas_cumprod;  // by timestep, in fp32 as diffusers computes them
  double final_alpha = 1;             // stands for the timestep before 0
  Prediction prediction = Prediction::kEpsilon;
  Spacing spacing = Spacing::kLeading;
  int steps_offset = 0;
  double clip = 0;  // 0: clip_sample is false
  bool zero_snr = false;

  double alpha(double timestep) const;  // timesteps below 0 give final_alpha
};

NoiseLevels read_noise_levels(const weights::Config& config, const NoiseDefaults& defaults, bool clip_default);

// diffusers' timesteps for leading, trailing and linspace spacing, descending. `round_linspace`: DDIM rounds them,
// Euler does not. Throws kSettings where num_inference_steps is not in 1..num_train_timesteps.
std::vector<double> spaced_timesteps(const NoiseLevels& levels, int num_inference_steps, bool round_linspace);

// sample and output -> x0, for a noise level given by its alphas_cumprod.
struct Mix {
  double sample = 0;
  double output = 0;
};
Mix predicted_x0(Prediction prediction, double alpha);
Mix predicted_noise(Prediction prediction, double alpha);

// NumPy's linspace.
std::vector<double> linspace(double start, double stop, int count, bool endpoint = true);

}  // namespace liveedit::diffusion
