// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/transcriber.h"

#include <algorithm>
#include <utility>

#include <c10/core/InferenceMode.h>

#include "core/api/error.h"
#include "core/speech/languages.h"
#include "core/speech/transcription.h"
#include "core/speech/voice_detectors.h"
#include "core/streams/torch_errors.h"

namespace liveedit::speech {
namespace {

constexpr int kMostRows = 16;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kSettings, what);
}

std::string dtype_name(at::ScalarType dtype) {
  if (dtype == at::kHalf) return "fp16";
  return dtype == at::kBFloat16 ? "bf16" : "fp32";
}

// Less speech than this in all is a click, a cough or chance.
bool holds_speech(const networks::SileroVad& voice, std::span<const float> samples) {
  constexpr double kShortestSpeech = 0.16;  // five windows
  return voice_share(voice, samples).speech_seconds >= kShortestSpeech;
}

Transcript no_speech() {
  Transcript transcript;
  transcript.outcome = TranscriptOutcome::kNoSpeech;
  transcript.no_speech_prob = 1;
  return transcript;
}

}  // namespace

WhisperTranscriber::WhisperTranscriber(std::shared_ptr<const SpeechModel> model, std::unique_ptr<SpeechNetwork> network,
                                       std::shared_ptr<const networks::SileroVad> voice)
    : model_(std::move(model)), voice_(std::move(voice)), network_(std::move(network)) {}

TranscriberInfo WhisperTranscriber::info() const {
  TranscriberInfo info;
  info.model = model_->source.folder.string();
  info.device = model_->source.device.str();
  info.dtype = dtype_name(model_->source.dtype);
  info.multilingual = model_->settings.multilingual();
  for (const auto& [code, token] : model_->settings.languages) info.languages.push_back(code);
  if (info.languages.empty()) info.languages.emplace_back("en");
  info.memory_bytes = model_->bytes;
  return info;
}

std::vector<std::string> WhisperTranscriber::check(const TranscribeParams& params) const {
  for (const float temperature : params.temperatures) {
    if (!(temperature >= 0 && temperature <= 1)) refuse("A temperature of Whisper must be 0 to 1.");
  }
  if (params.beam_size < 1 || params.beam_size > kMostRows) refuse("beam-size must be 1 to 16.");
  if (params.best_of < 1 || params.best_of > kMostRows) refuse("best-of must be 1 to 16.");
  if (params.max_tokens < 0) refuse("max-tokens must be 0 (the model's limit) or more.");
  std::vector<std::string> warnings;
  const std::string language = language_code(params.language);
  const bool automatic = language.empty() || language == "auto";
  const auto& languages = model_->settings.languages;
  if (model_->settings.multilingual()) {
    if (!automatic && languages.count(language) == 0) {
      refuse("language is \"" + params.language + "\", which this model does not know; it takes auto, a code such as " +
             languages.begin()->first + ", or the language's English name.");
    }
  } else if (!automatic && language != "en") {
    refuse("language is \"" + params.language + "\", and " + model_->source.folder.filename().string() +
           " knows English only; use a multilingual model, such as openai/whisper-tiny.");
  } else if (params.task == SpeechTask::kTranslate) {
    warnings.push_back("translate has no effect: " + model_->source.folder.filename().string() +
                       " knows English only.");
  }
  return warnings;
}

Transcript WhisperTranscriber::transcribe(std::span<const float> samples, const TranscribeParams& params,
                                          const std::stop_token& stop) {
  if (samples.empty() || samples.size() > static_cast<std::size_t>(kLongestUtterance)) {
    refuse("An utterance must have 1 to " + std::to_string(kLongestUtterance) +
           " samples (30 s at 16 kHz), and this one has " + std::to_string(samples.size()) + ".");
  }
  check(params);
  const c10::InferenceMode inference;
  const std::lock_guard lock(mutex_);
  return streams::translating("an utterance is transcribed", [&] {
    const bool listens_for_voices = params.guard && voice_ != nullptr;
    if (listens_for_voices && !holds_speech(*voice_, samples)) return no_speech();
    return Transcription(*model_, *network_, samples, params, listens_for_voices, stop).run();
  });
}

}  // namespace liveedit::speech
