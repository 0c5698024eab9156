// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/weights/config.h"

namespace liveedit::diffusion {

enum class Prediction { kEpsilon, kVelocity, kSample };

// One call of the UNet and what is made of it. Every scheduler's step is a linear map of the sample, the network's
// output and fresh noise, with at most a clip on the predicted picture:
//   input = input_scale * sample,  output = unet(input, timestep)
//   x0    = clip(x0_sample * sample + x0_output * output)
//   next  = next_x0 * x0 + next_sample * sample + next_output * output + next_noise * noise
// The numbers are all that changes between frames, so that a captured CUDA graph can read them from a tensor.
struct SchedulerStep {
  double timestep = 0;
  double input_scale = 1;
  double x0_sample = 0;
  double x0_output = 0;
  double next_x0 = 0;
  double next_sample = 0;
  double next_output = 0;
  double next_noise = 0;
  bool draws_noise = false;  // diffusers takes noise from its generator here, even where next_noise is 0
};

// A whole img2img run: noise is added once, then the steps follow.
//   sample = start_latents * latents + start_noise * noise
struct Schedule {
  double start_latents = 1;
  double start_noise = 0;
  double clip = 0;  // x0 is limited to -clip..clip; 0: it is not
  std::vector<SchedulerStep> steps;
};

// What set_timesteps() leaves behind in diffusers.
struct Timeline {
  std::vector<double> timesteps;  // descending
  std::vector<double> sigmas;     // one more than timesteps; only for schedulers that count in sigmas
  int num_inference_steps = 0;
};

// The numbers of diffusers' schedulers, from a scheduler_config.json. Immutable.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // set_timesteps(n). `strength` only matters to LCM and TCD, whose own pipelines cut the training timesteps with it.
  // Throws kSettings for an n that does not fit.
  virtual Timeline timeline(int num_inference_steps, double strength = 1) const = 0;
  // One step from `timestep` to the clean picture.
  virtual Timeline single_step(double timestep) const = 0;
  // The coefficients for timeline.timesteps[first ..].
  virtual Schedule schedule(const Timeline& timeline, int first) const = 0;

  // StableDiffusionImg2ImgPipeline: the last int(n * strength) of n timesteps. Where that is none, one step from the
  // timestep that `strength` itself stands for, so that the effect does not jump from nothing to half way.
  // Precondition: 0 < strength <= 1.
  Schedule img2img(int num_inference_steps, double strength) const;
  // LatentConsistencyModelImg2ImgPipeline: all n steps, from the part of the training timesteps that `strength` leaves;
  // fewer where that part is shorter. Other schedulers than LCM and TCD have no such way and do as img2img().
  virtual Schedule consistency_img2img(int num_inference_steps, double strength) const {
    return img2img(num_inference_steps, strength);
  }

  int num_train_timesteps() const { return num_train_timesteps_; }

 protected:
  explicit Scheduler(int num_train_timesteps) : num_train_timesteps_(num_train_timesteps) {}

 private:
  int num_train_timesteps_;
};

struct SchedulerChoice {
  std::unique_ptr<Scheduler> scheduler;
  std::string class_name;    // as the config names it
  bool consistency = false;  // LCM or TCD: few steps, and their pipelines cut by `strength` inside timeline()
  bool trailing = false;     // timestep_spacing, the mark of models distilled to one or few steps
  std::string warning;       // a sentence where another scheduler than the config's stands in
};

// By the config's _class_name. Options that would change the numbers and are not built here are refused with
// Error(kBadModel) that names them. `pipeline_overrides`: StableDiffusionImg2ImgPipeline sets steps_offset to 1 and
// clip_sample to false whatever the config says; SDXL's does not.
SchedulerChoice make_scheduler(const weights::Config& config, bool pipeline_overrides);

// LCM on the same betas: what StreamDiffusion always runs with (arXiv 2312.12491).
std::unique_ptr<Scheduler> make_stream_scheduler(const weights::Config& config);

}  // namespace liveedit::diffusion
