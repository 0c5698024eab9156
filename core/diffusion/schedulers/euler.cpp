// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/schedulers/euler.h"

#include <algorithm>
#include <cmath>

#include "core/api/error.h"

namespace liveedit::diffusion {
namespace {

void refuse_unless(const weights::Config& config, const char* key, const char* only) {
  const std::string value = config.string(key, only);
  if (value == only) return;
  throw Error(ErrorKind::kBadModel,
              config.file().string() + ": " + key + " is \"" + value + "\"; only \"" + only + "\" is supported.");
}

void refuse_if(const weights::Config& config, const char* key) {
  if (!config.boolean(key, false)) return;
  throw Error(ErrorKind::kBadModel, config.file().string() + ": " + key + " is not supported.");
}

}  // namespace

EulerScheduler::EulerScheduler(const weights::Config& config, const NoiseDefaults& defaults, bool ancestral,
                               bool pipeline_overrides)
    : Scheduler(static_cast<int>(config.integer("num_train_timesteps", 1000))),
      levels_(read_noise_levels(config, defaults, false)),
      ancestral_(ancestral),
      karras_(!ancestral && config.boolean("use_karras_sigmas", false)),
      sigma_min_(config.number("sigma_min", 0)),
      sigma_max_(config.number("sigma_max", 0)),
      final_sigma_(0) {
  refuse_unless(config, "interpolation_type", "linear");
  refuse_unless(config, "timestep_type", "discrete");
  refuse_if(config, "use_exponential_sigmas");
  refuse_if(config, "use_beta_sigmas");
  if (pipeline_overrides) levels_.steps_offset = 1;
  levels_.clip = 0;
  // A zero terminal SNR would be an infinite sigma; diffusers takes fp16's smallest number instead.
  if (levels_.zero_snr) levels_.alphas_cumprod.back() = std::ldexp(1.0F, -24);
  for (const float a : levels_.alphas_cumprod) sigmas_.push_back(std::sqrt((1 - a) / a));
  if (config.string("final_sigmas_type", "zero") == "sigma_min") final_sigma_ = sigmas_.front();
}

double EulerScheduler::sigma_at(double timestep) const {
  const double t = std::clamp(timestep, 0.0, static_cast<double>(sigmas_.size() - 1));
  const auto low = static_cast<std::size_t>(t);
  const std::size_t high = std::min(low + 1, sigmas_.size() - 1);
  return sigmas_[low] + (t - static_cast<double>(low)) * (static_cast<double>(sigmas_[high]) - sigmas_[low]);
}

double EulerScheduler::timestep_of(double sigma) const {
  const double wanted = std::log(std::max(sigma, 1e-10));
  std::size_t low = 0;
  while (low + 2 < sigmas_.size() && std::log(sigmas_[low + 1]) <= wanted) ++low;
  const double from = std::log(sigmas_[low]);
  const double to = std::log(sigmas_[low + 1]);
  return static_cast<double>(low) + std::clamp((from - wanted) / (from - to), 0.0, 1.0);
}

void EulerScheduler::use_karras(Timeline& line, int n) const {
  constexpr double kRho = 7;
  const double low = std::pow(sigma_min_ > 0 ? sigma_min_ : line.sigmas.back(), 1 / kRho);
  const double high = std::pow(sigma_max_ > 0 ? sigma_max_ : line.sigmas.front(), 1 / kRho);
  line.sigmas.clear();
  line.timesteps.clear();
  for (const double ramp : linspace(0, 1, n)) {
    line.sigmas.push_back(std::pow(high + ramp * (low - high), kRho));
    line.timesteps.push_back(static_cast<float>(timestep_of(line.sigmas.back())));
  }
}

Timeline EulerScheduler::timeline(int n, double) const {
  Timeline line{spaced_timesteps(levels_, n, false), {}, n};
  for (const double t : line.timesteps) line.sigmas.push_back(sigma_at(t));
  if (karras_) use_karras(line, n);
  line.sigmas.push_back(final_sigma_);
  for (double& sigma : line.sigmas) sigma = static_cast<float>(sigma);
  return line;
}

Timeline EulerScheduler::single_step(double timestep) const {
  return {{timestep}, {sigma_at(timestep), final_sigma_}, 1};
}

Schedule EulerScheduler::schedule(const Timeline& timeline, int first) const {
  Schedule out;
  out.start_noise = timeline.sigmas.at(first);
  for (std::size_t i = first; i < timeline.timesteps.size(); ++i) {
    const double sigma = timeline.sigmas[i];
    const double to = timeline.sigmas[i + 1];
    const double up = ancestral_ ? std::sqrt(std::max(0.0, to * to * (sigma * sigma - to * to) / (sigma * sigma))) : 0;
    const double down = std::sqrt(std::max(0.0, to * to - up * up));
    SchedulerStep step;
    step.timestep = timeline.timesteps[i];
    step.input_scale = 1 / std::sqrt(sigma * sigma + 1);
    // In sigma's terms: x0 = sample - sigma * noise, with the velocity form c_skip * sample + c_out * output.
    const Mix mixes[] = {{1, -sigma}, {1 / (sigma * sigma + 1), -sigma / std::sqrt(sigma * sigma + 1)}, {0, 1}};
    const Mix x0 = mixes[static_cast<int>(levels_.prediction)];
    step.x0_sample = x0.sample;
    step.x0_output = x0.output;
    // next = sample + (sample - x0) / sigma * (down - sigma)
    step.next_sample = down / sigma;
    step.next_x0 = 1 - down / sigma;
    step.next_noise = up;
    step.draws_noise = ancestral_;
    out.steps.push_back(step);
  }
  return out;
}

}  // namespace liveedit::diffusion
