// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include <c10/core/InferenceMode.h>

#include "core/speech/voice_detectors.h"
#include "core/streams/torch_errors.h"
#include "core/weights/checkpoint.h"
#include "core/weights/model_places.h"

namespace liveedit::speech {
namespace {

using networks::SileroVad;

constexpr float kSpeech = 0.5F;

void copy_finite(std::span<const float> from, float* to) {
  std::transform(from.begin(), from.end(), to, [](float value) { return std::isfinite(value) ? value : 0.0F; });
}

class SileroDetector final : public VoiceDetector {
 public:
  explicit SileroDetector(std::shared_ptr<const SileroVad> vad) : vad_(std::move(vad)) { reset(); }

  float feed(std::span<const float, kWindow> samples) override {
    static_assert(kWindow == SileroVad::kWindow);
    const c10::InferenceMode inference;
    return streams::translating("the voice detector listens", [&] {
      float* values = window_.mutable_data_ptr<float>();
      copy_finite(samples, values + SileroVad::kContext);
      const float probability = (*vad_)(window_, state_).item<float>();
      std::copy_n(values + SileroVad::kWindow, SileroVad::kContext, values);
      return probability;
    });
  }

  void reset() override {
    const c10::InferenceMode inference;
    window_ = at::zeros({1, SileroVad::kContext + SileroVad::kWindow}, at::kFloat);
    state_ = {};
  }

 private:
  std::shared_ptr<const SileroVad> vad_;
  at::Tensor window_;  // the last samples of the window before, then the window
  SileroVad::State state_;
};

}  // namespace

std::unique_ptr<VoiceDetector> make_silero_detector(std::shared_ptr<const SileroVad> vad) {
  return std::make_unique<SileroDetector>(std::move(vad));
}

std::shared_ptr<SileroVad> load_silero(const std::string& model) {
  const weights::WantedFile wanted{
      {"silero-vad/silero_vad_16k.safetensors", "silero_vad_16k.safetensors"},
      "weights of Silero VAD",
      "Install gst-liveedit whole, or take silero_vad_16k.safetensors out of PyPI's silero-vad "
      "(pip download --no-deps silero-vad)."};
  const auto checkpoint = weights::Checkpoint::open(weights::locate_file(model, wanted));
  return std::make_shared<SileroVad>(weights::Weights(checkpoint, at::kFloat, at::kCPU));
}

VoiceShare voice_share(const SileroVad& vad, std::span<const float> samples) {
  const auto count = (static_cast<std::int64_t>(samples.size()) + SileroVad::kWindow - 1) / SileroVad::kWindow;
  at::Tensor padded = at::zeros({SileroVad::kContext + count * SileroVad::kWindow}, at::kFloat);
  copy_finite(samples, padded.mutable_data_ptr<float>() + SileroVad::kContext);
  SileroVad::State state;
  const at::Tensor speech = vad(padded.unfold(0, SileroVad::kContext + SileroVad::kWindow, SileroVad::kWindow), state);
  VoiceShare share;
  share.highest = speech.max().item<float>();
  share.speech_seconds =
      static_cast<double>(speech.ge(kSpeech).sum().item<std::int64_t>() * SileroVad::kWindow) / kSpeechSampleRate;
  return share;
}

}  // namespace liveedit::speech
