// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/stream_batch.h"

#include "core/diffusion/noise.h"
#include "core/diffusion/steady_tensor.h"

namespace liveedit::diffusion {
namespace {

enum StepNumber : std::int64_t { kX0Sample, kX0Output, kNextX0, kNextSample, kNextNoise, kStepNumbers };

Schedule schedule_of(const Model& model, const EditSettings& settings) {
  const Timeline all = model.stream_scheduler().timeline(settings.num_inference_steps);
  Timeline chosen;
  chosen.num_inference_steps = static_cast<int>(settings.t_index_list.size());
  for (const int index : settings.t_index_list) chosen.timesteps.push_back(all.timesteps.at(index));
  return model.stream_scheduler().schedule(chosen, 0);
}

}  // namespace

StreamBatch::StreamBatch(const Model& model, const EditSettings& settings, int height, int width)
    : model_(model),
      count_(static_cast<std::int64_t>(settings.t_index_list.size())),
      latent_shape_{1, model.vae().latent_channels(), height / model.vae().stride(), width / model.vae().stride()},
      conditioning_(model, std::vector<bool>(settings.t_index_list.size(), false), height, width) {
  std::vector<std::int64_t> shape = latent_shape_;
  shape[0] = count_ - 1;
  ring_ = at::zeros(shape, at::TensorOptions()
                               .dtype(at::kFloat)
                               .device(model.source().device)
                               .memory_format(at::MemoryFormat::ChannelsLast));
}

bool StreamBatch::fits(const EditSettings& settings) const {
  return static_cast<std::int64_t>(settings.t_index_list.size()) == count_;
}

void StreamBatch::update(const EditSettings& settings, const EditTexts& texts) {
  const bool new_settings = !settings_ || !(settings == *settings_);
  const bool new_texts = !settings_ || !(texts == texts_);
  if (new_texts) conditioning_.set_texts(texts);
  const Schedule schedule = schedule_of(model_, settings);
  if (new_settings) {
    set_schedule(schedule);
    if (!settings_ || settings.seed != settings_->seed) set_noise(settings.seed);
  }
  if (new_settings || (new_texts && model_.is_sdxl())) {
    std::vector<double> timesteps;
    for (const SchedulerStep& step : schedule.steps) timesteps.push_back(step.timestep);
    conditioning_.set_times({timesteps}, settings.guidance_scale);
  }
  settings_ = settings;
  texts_ = texts;
}

void StreamBatch::set_schedule(const Schedule& schedule) {
  clip_ = schedule.clip;
  const at::Tensor start = at::tensor({schedule.start_latents, schedule.start_noise}, at::kDouble).to(at::kFloat);
  write_steady(start_, start.view({2, 1, 1, 1, 1}), model_.source().device);
  at::Tensor values = at::empty({kStepNumbers, count_}, at::kFloat);
  for (std::int64_t i = 0; i < count_; ++i) {
    const SchedulerStep& step = schedule.steps[i];
    values[kX0Sample][i] = step.x0_sample;
    values[kX0Output][i] = step.x0_output;
    values[kNextX0][i] = step.next_x0;
    values[kNextSample][i] = step.next_sample;
    values[kNextNoise][i] = step.next_noise;
  }
  write_steady(steps_, values.view({kStepNumbers, count_, 1, 1, 1}), model_.source().device);
}

void StreamBatch::set_noise(std::int64_t seed) {
  // StreamDiffusion draws the noise of all steps at once, and the posterior's later.
  std::vector<std::int64_t> shape = latent_shape_;
  shape[0] = count_;
  const std::vector<at::Tensor> drawn = draw_noise(seed, {shape, latent_shape_});
  const at::Tensor all = at::cat({drawn[0], at::zeros(latent_shape_, at::kFloat)});
  write_steady(noise_, all.contiguous(at::MemoryFormat::ChannelsLast), model_.source().device);
  if (!model_.vae_has_posterior()) return;
  write_steady(posterior_noise_, drawn[1].to(model_.vae_dtype()).contiguous(at::MemoryFormat::ChannelsLast),
               model_.source().device);
}

at::Tensor StreamBatch::advance(const at::Tensor& newest) {
  const at::Tensor sample = count_ > 1 ? at::cat({newest, ring_}) : newest;  // [n, channels, h, w]
  const at::Tensor output =
      model_.unet()
          .forward(sample.to(model_.source().dtype), conditioning_.times(0), conditioning_.texts())
          .to(at::kFloat);
  at::Tensor x0 = steps_[kX0Sample] * sample + steps_[kX0Output] * output;
  if (clip_ > 0) x0 = at::clamp(x0, -clip_, clip_);
  const at::Tensor next =
      steps_[kNextX0] * x0 + steps_[kNextSample] * sample + steps_[kNextNoise] * noise_.narrow(0, 1, count_);
  if (count_ > 1) ring_.copy_(next.narrow(0, 0, count_ - 1));
  return next.narrow(0, count_ - 1, 1);
}

at::Tensor StreamBatch::run(const at::Tensor& picture, int rounds) {
  const at::Tensor latents = model_.vae().encode(picture.to(model_.vae_dtype()), posterior_noise_).to(at::kFloat);
  const at::Tensor newest = start_[0] * latents + start_[1] * noise_.narrow(0, 0, 1);
  at::Tensor oldest;
  for (int i = 0; i < rounds; ++i) oldest = advance(newest);
  return model_.vae().decode(oldest.to(model_.vae_dtype())).to(picture.scalar_type());
}

}  // namespace liveedit::diffusion
