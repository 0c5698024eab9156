// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/api/transcriber.h"
#include "core/speech/decoding.h"
#include "core/speech/speech_model.h"
#include "core/speech/speech_network.h"

namespace liveedit::speech {

// One utterance on its way to text: hears it, writes the prompt, and decodes at rising temperatures until a text passes
// the tests (arXiv 2212.04356, section 4.5).
class Transcription {
 public:
  // voice_heard: a voice detector is sure that somebody speaks. Then a text that the model doubts is given all the
  // same, with its low avg_logprob; without that it is held back (TranscribeParams::guard).
  Transcription(const SpeechModel& model, SpeechNetwork& network, std::span<const float> samples,
                const TranscribeParams& params, bool voice_heard, const std::stop_token& stop);

  Transcript run();

 private:
  struct Attempt {
    WrittenText written;
    std::string text;
    double compression_ratio = 0;
    float temperature = 0;
  };

  void listen(std::int64_t frames);
  // Gives the logits [vocabulary] at the prompt's last token.
  at::Tensor write_prompt();
  void detect_language(const std::vector<std::int64_t>& before);
  at::Tensor write(const std::vector<std::int64_t>& tokens, const std::vector<std::int64_t>& places);
  void take_no_speech(const at::Tensor& logits);
  Attempt attempt(const at::Tensor& logits, float temperature);
  bool repeats_itself(const Attempt& attempt) const;
  bool passes(const Attempt& attempt) const;
  bool is_doubtful(const Attempt& attempt) const;
  bool is_better(const Attempt& attempt, const Attempt& than) const;
  bool is_silence(const Attempt& attempt) const;
  Transcript finish(const Attempt& attempt);
  std::vector<TranscriptSegment> segments_of(const WrittenText& written, const std::string& text) const;

  const SpeechModel& model_;
  const GenerationSettings& settings_;
  SpeechNetwork& network_;
  std::span<const float> samples_;
  const TranscribeParams& params_;
  bool voice_heard_;
  const std::stop_token& stop_;
  std::int64_t language_ = 0;  // token; 0: not known yet
  Transcript transcript_;
};

}  // namespace liveedit::speech
