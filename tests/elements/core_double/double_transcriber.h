// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/api/transcriber.h"

namespace liveedit::testing {

// A Transcriber and a VoiceDetector whose answers a test can compute. Sound louder than 0.05 is speech.
//
// The text of an utterance is "heard N ms" with its length, or what the model's name asks for:
//   text=WORDS               this text (a '+' stands for a blank)
//   transcribe-ms=N          an utterance takes N milliseconds, and stops early where it is asked to
//   transcribe-error=KIND@I  the utterance with index I throws
std::unique_ptr<Transcriber> make_double_transcriber(const TranscriberConfig& config);
std::unique_ptr<VoiceDetector> make_double_voice_detector();

}  // namespace liveedit::testing
