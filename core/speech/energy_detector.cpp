// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "core/speech/voice_detectors.h"

namespace liveedit::speech {
namespace {

// All in decibels below full scale.
constexpr float kQuietest = -70;      // what is below is silence, whatever came before
constexpr float kLoudestFloor = -20;  // a background louder than this is no background
constexpr float kWholeRise = 18;      // above the background: certainly speech
constexpr float kRiseBySecond = 3;    // the background follows louder sound so slowly
constexpr float kWindowsBySecond = static_cast<float>(kSpeechSampleRate) / VoiceDetector::kWindow;

class EnergyDetector final : public VoiceDetector {
 public:
  float feed(std::span<const float, kWindow> samples) override {
    double sum = 0;
    for (const float sample : samples) sum += std::isfinite(sample) ? double{sample} * sample : 0.0;
    const auto level = static_cast<float>(10 * std::log10(sum / kWindow + 1e-12));
    const float probability = std::clamp((level - background_) / kWholeRise, 0.0F, 1.0F);
    const float highest = background_ + kRiseBySecond / kWindowsBySecond;
    background_ = std::clamp(std::min(level, highest), kQuietest, kLoudestFloor);
    return probability;
  }

  void reset() override { background_ = kQuietest; }

 private:
  float background_ = kQuietest;
};

}  // namespace

std::unique_ptr<VoiceDetector> make_energy_detector() {
  return std::make_unique<EnergyDetector>();
}

}  // namespace liveedit::speech
