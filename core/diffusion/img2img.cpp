// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/img2img.h"

#include "core/diffusion/noise.h"
#include "core/diffusion/steady_tensor.h"

namespace liveedit::diffusion {
namespace {

// Where numbers_ holds what.
constexpr std::int64_t kStartLatents = 0;
constexpr std::int64_t kStartNoise = 1;
constexpr std::int64_t kGuidance = 2;
constexpr std::int64_t kFirstStep = 3;
enum StepNumber : std::int64_t {
  kInputScale,
  kX0Sample,
  kX0Output,
  kNextX0,
  kNextSample,
  kNextOutput,
  kNextNoise,
  kStepNumbers
};

}  // namespace

Img2Img::Img2Img(const Model& model, const EditSettings& settings, int height, int width)
    : model_(model),
      guided_(guides_by_batch(model, settings)),
      schedule_(model.img2img(settings.num_inference_steps, settings.strength)),
      latent_shape_{1, model.vae().latent_channels(), height / model.vae().stride(), width / model.vae().stride()},
      conditioning_(model, guided_ ? std::vector<bool>{true, false} : std::vector<bool>{false}, height, width) {}

bool Img2Img::fits(const EditSettings& settings) const {
  if (!settings.t_index_list.empty() || guides_by_batch(model_, settings) != guided_) return false;
  if (settings_ && settings == *settings_) return true;
  const Schedule wanted = model_.img2img(settings.num_inference_steps, settings.strength);
  if (wanted.steps.size() != schedule_.steps.size()) return false;
  for (std::size_t i = 0; i < wanted.steps.size(); ++i) {
    if (wanted.steps[i].draws_noise != schedule_.steps[i].draws_noise) return false;
  }
  return true;
}

void Img2Img::update(const EditSettings& settings, const EditTexts& texts) {
  const bool new_settings = !settings_ || !(settings == *settings_);
  const bool new_texts = !settings_ || !(texts == texts_);
  if (new_texts) conditioning_.set_texts(texts);
  if (new_settings) {
    schedule_ = model_.img2img(settings.num_inference_steps, settings.strength);
    set_schedule(schedule_);
    numbers_.narrow(0, kGuidance, 1).fill_(settings.guidance_scale);
    if (!settings_ || settings.seed != settings_->seed) set_noise(settings.seed);
  }
  // SDXL's time embedding holds the pooled text too.
  if (new_settings || (new_texts && model_.is_sdxl())) {
    std::vector<std::vector<double>> timesteps;
    for (const SchedulerStep& step : schedule_.steps) timesteps.push_back({step.timestep});
    conditioning_.set_times(timesteps, settings.guidance_scale);
  }
  settings_ = settings;
  texts_ = texts;
}

void Img2Img::set_schedule(const Schedule& schedule) {
  std::vector<float> values = {static_cast<float>(schedule.start_latents), static_cast<float>(schedule.start_noise), 1};
  for (const SchedulerStep& step : schedule.steps) {
    for (const double number : {step.input_scale, step.x0_sample, step.x0_output, step.next_x0, step.next_sample,
                                step.next_output, step.next_noise}) {
      values.push_back(static_cast<float>(number));
    }
  }
  write_steady(numbers_, at::tensor(values, at::kFloat), model_.source().device);
}

void Img2Img::set_noise(std::int64_t seed) {
  // The order in which diffusers' pipelines draw: the posterior, the start, the steps.
  std::vector<std::vector<std::int64_t>> shapes;
  if (model_.vae_has_posterior()) shapes.push_back(latent_shape_);
  shapes.push_back(latent_shape_);
  for (const SchedulerStep& step : schedule_.steps) {
    if (step.draws_noise) shapes.push_back(latent_shape_);
  }
  const std::vector<at::Tensor> drawn = draw_noise(seed, shapes);
  std::size_t next = 0;
  const auto take = [&](at::Tensor& into, at::ScalarType dtype) {
    write_steady(into, drawn[next++].to(dtype).contiguous(at::MemoryFormat::ChannelsLast), model_.source().device);
  };
  if (model_.vae_has_posterior()) take(posterior_noise_, model_.vae_dtype());
  take(start_noise_, at::kFloat);
  step_noise_.resize(schedule_.steps.size());
  for (std::size_t i = 0; i < schedule_.steps.size(); ++i) {
    if (schedule_.steps[i].draws_noise) take(step_noise_[i], at::kFloat);
  }
}

at::Tensor Img2Img::predict(const at::Tensor& sample, std::size_t step) const {
  at::Tensor input = sample.to(model_.source().dtype);
  if (guided_) input = at::cat({input, input});
  const at::Tensor output =
      model_.unet().forward(input, conditioning_.times(step), conditioning_.texts()).to(at::kFloat);
  if (!guided_) return output;
  const at::Tensor without = output.narrow(0, 0, 1);
  return without + numbers_[kGuidance] * (output.narrow(0, 1, 1) - without);
}

at::Tensor Img2Img::run(const at::Tensor& picture, int) {
  // Between the networks everything is fp32, as diffusers keeps Euler's samples: latents are small and the coefficients
  // far apart.
  const at::Tensor latents = model_.vae().encode(picture.to(model_.vae_dtype()), posterior_noise_).to(at::kFloat);
  at::Tensor sample = numbers_[kStartLatents] * latents + numbers_[kStartNoise] * start_noise_;
  for (std::size_t i = 0; i < schedule_.steps.size(); ++i) {
    const auto number = [&](StepNumber which) {
      return numbers_[kFirstStep + static_cast<std::int64_t>(i) * kStepNumbers + which];
    };
    const at::Tensor output = predict(number(kInputScale) * sample, i);
    at::Tensor x0 = number(kX0Sample) * sample + number(kX0Output) * output;
    if (schedule_.clip > 0) x0 = at::clamp(x0, -schedule_.clip, schedule_.clip);
    at::Tensor next = number(kNextX0) * x0 + number(kNextSample) * sample + number(kNextOutput) * output;
    if (step_noise_[i].defined()) next = next + number(kNextNoise) * step_noise_[i];
    sample = next;
  }
  return model_.vae().decode(sample.to(model_.vae_dtype())).to(picture.scalar_type());
}

}  // namespace liveedit::diffusion
