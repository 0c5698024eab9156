// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/api/transcriber.h"
#include "core/networks/silero/silero_vad.h"

namespace liveedit::speech {

// Loudness over the background, which it learns: 0.5 at 9 dB above it, 1 from 18 dB on. The background follows a drop
// at once and a rise slowly, and speech does not raise it.
std::unique_ptr<VoiceDetector> make_energy_detector();

// Silero's network; `vad` is shared.
std::unique_ptr<VoiceDetector> make_silero_detector(std::shared_ptr<const networks::SileroVad> vad);

// The weights at `model`, or the embedded ones where it is empty. Throws Error.
std::shared_ptr<networks::SileroVad> load_silero(const std::string& model);

// How much of an utterance is speech, by one detector from its beginning to its end.
struct VoiceShare {
  double speech_seconds = 0;  // in windows of probability 0.5 and more
  float highest = 0;
};
VoiceShare voice_share(const networks::SileroVad& vad, std::span<const float> samples);

}  // namespace liveedit::speech
