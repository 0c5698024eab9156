// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/schedulers/noise_levels.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/api/error.h"

namespace liveedit::diffusion {
namespace {

constexpr int kMostTrainTimesteps = 100000;

[[noreturn]] void refuse(const weights::Config& config, const std::string& key, const std::string& why) {
  throw Error(ErrorKind::kBadModel, config.file().string() + ": " + key + " " + why + ".");
}

// The cosine schedule of improved DDPM (arXiv 2102.09672), capped at 0.999.
at::Tensor cosine_betas(int count) {
  const auto alpha_bar = [](double t) {
    const double c = std::cos((t + 0.008) / 1.008 * M_PI / 2);
    return c * c;
  };
  at::Tensor betas = at::empty({count}, at::kFloat);
  float* out = betas.data_ptr<float>();
  for (int i = 0; i < count; ++i) {
    const double next = alpha_bar(static_cast<double>(i + 1) / count);
    out[i] = static_cast<float>(std::min(1 - next / alpha_bar(static_cast<double>(i) / count), 0.999));
  }
  return betas;
}

// Shifts the square roots of alphas_cumprod so that the last is 0 (arXiv 2305.08891, algorithm 1).
at::Tensor rescale_to_zero_snr(const at::Tensor& betas) {
  at::Tensor root = at::cumprod(1.0 - betas, 0).sqrt();
  const at::Tensor first = root[0].clone();
  const at::Tensor last = root[-1].clone();
  root = (root - last) * (first / (first - last));
  const at::Tensor bar = root.pow(2);
  const at::Tensor ratios = bar.slice(0, 1) / bar.slice(0, 0, -1);
  return 1.0 - at::cat({bar.slice(0, 0, 1), ratios});
}

at::Tensor read_betas(const weights::Config& config, const NoiseDefaults& defaults, int count) {
  if (config.has("trained_betas")) {
    const std::vector<double> given = config.numbers("trained_betas");
    if (static_cast<int>(given.size()) != count)
      refuse(config, "trained_betas", "must have num_train_timesteps values");
    return at::tensor(given, at::kDouble).to(at::kFloat);
  }
  const double start = config.number("beta_start", defaults.beta_start);
  const double end = config.number("beta_end", defaults.beta_end);
  const std::string schedule = config.string("beta_schedule", defaults.beta_schedule);
  if (schedule == "linear") return at::linspace(start, end, count, at::kFloat);
  if (schedule == "scaled_linear") return at::linspace(std::sqrt(start), std::sqrt(end), count, at::kFloat).pow(2);
  if (schedule == "squaredcos_cap_v2") return cosine_betas(count);
  refuse(config, "beta_schedule", "is \"" + schedule + "\"; known are linear, scaled_linear and squaredcos_cap_v2");
}

Prediction read_prediction(const weights::Config& config) {
  const std::string name = config.string("prediction_type", "epsilon");
  if (name == "epsilon") return Prediction::kEpsilon;
  if (name == "v_prediction") return Prediction::kVelocity;
  if (name == "sample") return Prediction::kSample;
  refuse(config, "prediction_type", "is \"" + name + "\"; known are epsilon, v_prediction and sample");
}

Spacing read_spacing(const weights::Config& config, const NoiseDefaults& defaults) {
  const std::string name = config.string("timestep_spacing", defaults.spacing);
  if (name == "leading") return Spacing::kLeading;
  if (name == "trailing") return Spacing::kTrailing;
  if (name == "linspace") return Spacing::kLinspace;
  refuse(config, "timestep_spacing", "is \"" + name + "\"; known are leading, trailing and linspace");
}

}  // namespace

double NoiseLevels::alpha(double timestep) const {
  if (timestep < 0) return final_alpha;
  return alphas_cumprod.at(static_cast<std::size_t>(timestep));
}

NoiseLevels read_noise_levels(const weights::Config& config, const NoiseDefaults& defaults, bool clip_default) {
  NoiseLevels levels;
  const std::int64_t count = config.integer("num_train_timesteps", 1000);
  if (count < 2 || count > kMostTrainTimesteps) refuse(config, "num_train_timesteps", "must be 2 to 100000");
  levels.num_train_timesteps = static_cast<int>(count);
  levels.prediction = read_prediction(config);
  levels.spacing = read_spacing(config, defaults);
  levels.steps_offset = static_cast<int>(config.integer("steps_offset", 0));
  levels.zero_snr = config.boolean("rescale_betas_zero_snr", false);
  if (levels.steps_offset < 0 || levels.steps_offset >= count) refuse(config, "steps_offset", "is out of range");
  if (config.boolean("thresholding", false)) refuse(config, "thresholding", "is not supported");
  if (config.boolean("clip_sample", clip_default)) levels.clip = config.number("clip_sample_range", 1.0);

  at::Tensor betas = read_betas(config, defaults, levels.num_train_timesteps);
  if (levels.zero_snr) betas = rescale_to_zero_snr(betas);
  const at::Tensor alphas = at::cumprod(1.0 - betas, 0).contiguous();
  levels.alphas_cumprod.assign(alphas.data_ptr<float>(), alphas.data_ptr<float>() + count);
  const auto sane = [](float a) { return std::isfinite(a) && a >= -1e-6F && a <= 1; };
  if (!std::all_of(levels.alphas_cumprod.begin(), levels.alphas_cumprod.end(), sane)) {
    refuse(config, "beta_start, beta_end or trained_betas", "give no usable noise schedule");
  }
  levels.final_alpha = config.boolean("set_alpha_to_one", true) ? 1.0 : levels.alphas_cumprod[0];
  return levels;
}

std::vector<double> linspace(double start, double stop, int count, bool endpoint) {
  std::vector<double> values(count);
  const int gaps = endpoint ? count - 1 : count;
  const double step = gaps > 0 ? (stop - start) / gaps : 0;
  for (int i = 0; i < count; ++i) values[i] = start + i * step;
  if (endpoint && count > 1) values.back() = stop;
  return values;
}

std::vector<double> spaced_timesteps(const NoiseLevels& levels, int n, bool round_linspace) {
  const int train = levels.num_train_timesteps;
  if (n < 1 || n > train) {
    throw Error(ErrorKind::kSettings, "num-inference-steps is " + std::to_string(n) + "; this model takes 1 to " +
                                          std::to_string(train) + ".");
  }
  std::vector<double> steps;
  if (levels.spacing == Spacing::kLinspace) {
    steps = linspace(0, train - 1, n);
    std::reverse(steps.begin(), steps.end());
    for (double& t : steps) t = round_linspace ? std::nearbyint(t) : static_cast<float>(t);
  } else if (levels.spacing == Spacing::kLeading) {
    const int ratio = train / n;
    for (int i = n - 1; i >= 0; --i) steps.push_back(std::min(i * ratio + levels.steps_offset, train - 1));
  } else {
    // As NumPy's arange counts and adds: rounding can give one timestep more than asked for, just as in diffusers.
    const double ratio = static_cast<double>(train) / n;
    const double difference = (train - ratio) - train;
    const int count = static_cast<int>(std::ceil(train / ratio));
    for (int i = 0; i < count; ++i) steps.push_back(std::nearbyint(train + i * difference) - 1);
  }
  return steps;
}

Mix predicted_x0(Prediction prediction, double alpha) {
  const double signal = std::sqrt(alpha);
  const double noise = std::sqrt(1 - alpha);
  switch (prediction) {
    case Prediction::kEpsilon:
      return {1 / signal, -noise / signal};
    case Prediction::kVelocity:
      return {signal, -noise};
    case Prediction::kSample:
      break;
  }
  return {0, 1};
}

Mix predicted_noise(Prediction prediction, double alpha) {
  const double signal = std::sqrt(alpha);
  const double noise = std::sqrt(1 - alpha);
  switch (prediction) {
    case Prediction::kVelocity:
      return {noise, signal};
    case Prediction::kSample:
      return {1 / noise, -signal / noise};
    case Prediction::kEpsilon:
      break;
  }
  return {0, 1};
}

}  // namespace liveedit::diffusion
