// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/core_double/double_transcriber.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "tests/elements/core_double/wishes.h"

namespace liveedit::testing {
namespace {

constexpr float kSpeech = 0.05F;

bool is_speech(std::span<const float> samples) {
  return std::any_of(samples.begin(), samples.end(), [](float sample) { return std::abs(sample) > kSpeech; });
}

class DoubleTranscriber final : public Transcriber {
 public:
  explicit DoubleTranscriber(const TranscriberConfig& config) : wishes_(config.model) { info_.model = config.model; }

  TranscriberInfo info() const override {
    TranscriberInfo info = info_;
    info.device = "cpu";
    info.dtype = "fp32";
    info.multilingual = true;
    info.languages = {"de", "en"};
    return info;
  }

  std::vector<std::string> check(const TranscribeParams& params) const override {
    if (params.language != "auto" && params.language != "en" && params.language != "de") {
      throw Error(ErrorKind::kSettings, "The double knows en and de, not '" + params.language + "'.");
    }
    return {};
  }

  Transcript transcribe(std::span<const float> samples, const TranscribeParams& params,
                        const std::stop_token& stop) override {
    const std::lock_guard lock(mutex_);
    wishes_.fail_at("transcribe-error", utterances_++);
    check(params);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wishes_.number("transcribe-ms"));
    Transcript transcript;
    while (std::chrono::steady_clock::now() < end) {
      if (stop.stop_requested()) {
        transcript.outcome = TranscriptOutcome::kCancelled;
        return transcript;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    transcript.language = params.language == "auto" ? "en" : params.language;
    transcript.language_probability = 1;
    if (!is_speech(samples)) {
      transcript.outcome = TranscriptOutcome::kNoSpeech;
      transcript.no_speech_prob = 1;
      return transcript;
    }
    const double seconds = static_cast<double>(samples.size()) / kSpeechSampleRate;
    transcript.text = text_of(samples);
    transcript.segments = {{0, seconds, transcript.text}};
    transcript.avg_logprob = -0.1F;
    transcript.encoded_seconds = seconds;
    return transcript;
  }

 private:
  std::string text_of(std::span<const float> samples) const {
    const auto wish = wishes_.values.find("text");
    if (wish == wishes_.values.end()) {
      return "heard " + std::to_string(samples.size() * 1000 / kSpeechSampleRate) + " ms";
    }
    std::string text = wish->second;
    std::replace(text.begin(), text.end(), '+', ' ');
    return text;
  }

  const Wishes wishes_;
  TranscriberInfo info_;
  std::mutex mutex_;
  std::uint64_t utterances_ = 0;
};

class DoubleVoiceDetector final : public VoiceDetector {
 public:
  float feed(std::span<const float, kWindow> samples) override { return is_speech(samples) ? 1.0F : 0.0F; }
  void reset() override {}
};

}  // namespace

std::unique_ptr<Transcriber> make_double_transcriber(const TranscriberConfig& config) {
  return std::make_unique<DoubleTranscriber>(config);
}

std::unique_ptr<VoiceDetector> make_double_voice_detector() {
  return std::make_unique<DoubleVoiceDetector>();
}

}  // namespace liveedit::testing
