// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/log_mel.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace liveedit::speech {
namespace {

constexpr std::int64_t kTransform = 400;
constexpr std::int64_t kFrequencies = kTransform / 2 + 1;
constexpr double kHighest = 8000;  // Hz
constexpr std::int64_t kWindowSamples = LogMel::kWindowFrames * LogMel::kHop;
constexpr double kFloor = 1e-10;     // of the power
constexpr double kDynamicRange = 8;  // in log10

// Slaney's scale: 200/3 Hz a mel up to 1 kHz, from there 27 mels for a factor of 6.4.
constexpr double kLinearStep = 200.0 / 3;
constexpr double kBorder = 1000;
const double kLogStep = std::log(6.4) / 27;

double mel_of(double hertz) {
  if (hertz < kBorder) return hertz / kLinearStep;
  return kBorder / kLinearStep + std::log(hertz / kBorder) / kLogStep;
}

double hertz_of(double mel) {
  if (mel < kBorder / kLinearStep) return mel * kLinearStep;
  return kBorder * std::exp((mel - kBorder / kLinearStep) * kLogStep);
}

// Sample `index` of the utterance padded with silence to 30 s and then mirrored at both ends.
float padded_sample(std::span<const float> samples, std::int64_t index) {
  if (index < 0) index = -index;
  if (index >= kWindowSamples) index = 2 * (kWindowSamples - 1) - index;
  if (index >= static_cast<std::int64_t>(samples.size())) return 0;
  const float value = samples[static_cast<std::size_t>(index)];
  return std::isfinite(value) ? value : 0.0f;
}

}  // namespace

at::Tensor mel_filters(std::int64_t bins) {
  std::vector<double> corners(static_cast<std::size_t>(bins) + 2);
  const double top = mel_of(kHighest);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    corners[i] = hertz_of(top * static_cast<double>(i) / static_cast<double>(corners.size() - 1));
  }
  at::Tensor filters = at::zeros({bins, kFrequencies}, at::kFloat);
  for (std::int64_t bin = 0; bin < bins; ++bin) {
    const double low = corners[bin], middle = corners[bin + 1], high = corners[bin + 2];
    auto* row = filters.mutable_data_ptr<float>() + bin * kFrequencies;
    for (std::int64_t i = 0; i < kFrequencies; ++i) {
      const double hertz = kHighest * static_cast<double>(i) / static_cast<double>(kFrequencies - 1);
      const double height = std::min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
      row[i] = static_cast<float>(std::max(0.0, height) * 2 / (high - low));
    }
  }
  return filters;
}

LogMel::LogMel(std::int64_t bins)
    : filters_(mel_filters(bins).t().contiguous()), window_(at::hann_window(kTransform, at::kFloat)) {}

at::Tensor LogMel::operator()(std::span<const float> samples, std::int64_t frames) const {
  // Frames that hold any sound; the rest of the picture is silence, which is not computed.
  const auto length = std::min<std::int64_t>(static_cast<std::int64_t>(samples.size()), kWindowSamples);
  const std::int64_t sounding = std::min(kWindowFrames, (length + kTransform / 2) / kHop + 1);
  at::Tensor padded = at::empty({(sounding - 1) * kHop + kTransform}, at::kFloat);
  auto* values = padded.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < padded.numel(); ++i) values[i] = padded_sample(samples, i - kTransform / 2);

  const at::Tensor windows = padded.unfold(0, kTransform, kHop) * window_;            // [sounding, 400]
  const at::Tensor power = at::view_as_real(at::fft_rfft(windows)).square().sum(-1);  // [sounding, 201]
  at::Tensor log = at::matmul(power, filters_).clamp_min_(kFloor).log10_();           // [sounding, bins]
  double top = log.max().item<double>();
  if (sounding < kWindowFrames) top = std::max(top, std::log10(kFloor));
  const double bottom = top - kDynamicRange;
  log = log.clamp_min_(bottom).add_(4).div_(4);

  at::Tensor picture = at::full({filters_.size(1), frames}, (std::max(std::log10(kFloor), bottom) + 4) / 4, at::kFloat);
  const std::int64_t kept = std::min(frames, sounding);
  picture.narrow(1, 0, kept).copy_(log.narrow(0, 0, kept).t());
  return picture;
}

}  // namespace liveedit::speech
