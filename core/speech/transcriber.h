// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>

#include "core/api/transcriber.h"
#include "core/networks/silero/silero_vad.h"
#include "core/speech/speech_model.h"
#include "core/speech/speech_network.h"

namespace liveedit::speech {

class WhisperTranscriber final : public Transcriber {
 public:
  // `voice` says whether an utterance holds speech at all; nullptr: the network alone does.
  WhisperTranscriber(std::shared_ptr<const SpeechModel> model, std::unique_ptr<SpeechNetwork> network,
                     std::shared_ptr<const networks::SileroVad> voice);

  TranscriberInfo info() const override;
  std::vector<std::string> check(const TranscribeParams& params) const override;
  Transcript transcribe(std::span<const float> samples, const TranscribeParams& params,
                        const std::stop_token& stop) override;

 private:
  std::shared_ptr<const SpeechModel> model_;
  std::shared_ptr<const networks::SileroVad> voice_;
  std::mutex mutex_;  // of the network's state
  std::unique_ptr<SpeechNetwork> network_;
};

}  // namespace liveedit::speech
