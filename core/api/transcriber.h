// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/api/device_options.h"
#include "core/api/error.h"

namespace liveedit {

// All sound here is mono float, -1..1, at this rate.
inline constexpr int kSpeechSampleRate = 16000;
// The longest utterance that one call takes: Whisper's window.
inline constexpr int kLongestUtterance = 30 * kSpeechSampleRate;

// What a transcriber is opened with; it cannot change while it lives.
struct TranscriberConfig {
  std::string model;            // Whisper folder in Hugging Face layout, or a Hugging Face id; empty: whisper-tiny.en,
                                // where the usual places have it
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  Dtype dtype = Dtype::kAuto;   // auto: fp16 on CUDA; bf16 on a CPU with AVX-512 bf16, else fp32
  int threads = 0;              // CPU threads for the networks; 0: one a core
  Acceleration acceleration = Acceleration::kAuto;
};

enum class SpeechTask { kTranscribe, kTranslate };  // translate: any language to English

// A snapshot of everything that may change from utterance to utterance. The defaults are those of OpenAI's whisper.
struct TranscribeParams {
  std::string language = "auto";  // code or English name ("de", "german"); auto: detected; English-only models: en
  SpeechTask task = SpeechTask::kTranscribe;
  // Tried in order, each 0..1, until a text passes the compression-ratio and log-probability tests. Empty: 0 alone.
  std::vector<float> temperatures = {0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F};
  int beam_size = 1;                 // 1..16, at temperature 0; 1: greedy
  float length_penalty = 1;          // beam search: a text scores the sum of its log-probabilities / length ^ penalty
  int best_of = 1;                   // 1..16 samples at temperatures above 0; the likeliest is kept
  std::uint64_t seed = 42;           // of the samples
  std::string initial_prompt;        // words or names that the speaker is likely to use, as if spoken before
  int max_tokens = 0;                // most tokens of text; 0: the model's limit (about 220)
  bool timestamps = false;           // segments with times from the model; else one segment over the utterance
  float no_speech_threshold = 0.6F;  // no text where the model's no-speech probability is above ...
  float logprob_threshold = -1.0F;   // ... and the mean log-probability below this; also the test for fallback
  float compression_ratio_threshold = 2.4F;  // a text that zlib shrinks more than this repeats itself
  bool guard =
      true;  // no text where a voice detector hears nobody (silence, noise, hum, music), and none without a word
  bool whole_window = false;  // encode 30 s whatever the utterance's length, as the reference does: slower

  bool operator==(const TranscribeParams&) const = default;
};

struct TranscriptToken {
  int id = 0;
  std::string text;       // its bytes: may be a part of a UTF-8 character
  float probability = 0;  // 0..1, among all tokens at its place
};

struct TranscriptSegment {
  double start = 0;  // seconds from the first sample
  double end = 0;
  std::string text;
};

enum class TranscriptOutcome {
  kText,
  kNoSpeech,   // the text is empty: nothing was said, or what was decoded is not to be trusted
  kCancelled,  // stop was asked for: everything below is empty
};

struct Transcript {
  TranscriptOutcome outcome = TranscriptOutcome::kText;
  std::string text;  // UTF-8, without leading or trailing space; empty unless kText
  std::vector<TranscriptSegment> segments;
  std::vector<TranscriptToken> tokens;  // of the text and the timestamps
  std::string language;                 // code
  float language_probability = 0;       // 1 where the language was given or the model knows only one
  float temperature = 0;                // at which the text was decoded
  float avg_logprob = 0;                // mean over the tokens and the end
  float no_speech_prob = 0;             // 0..1
  float compression_ratio = 0;          // bytes of text over bytes after zlib
  double encoded_seconds = 0;           // length of sound that the encoder saw, padding included
  double encode_ms = 0;                 // log-mel and encoder
  double decode_ms = 0;
};

// What a transcriber really runs with.
struct TranscriberInfo {
  std::string model;   // resolved folder
  std::string device;  // cpu, cuda:0 ...
  std::string dtype;   // fp32, fp16, bf16
  bool multilingual = false;
  std::vector<std::string> languages;  // codes; {"en"} for an English-only model
  std::uint64_t memory_bytes = 0;      // weights, shared ones counted whole
};

// Speech to text by Whisper (arXiv 2212.04356). Weights are shared by all transcribers of a process.
//
// Any thread; calls on one transcriber run one after the other. Every function may throw Error; after kInference the
// next utterance may work.
class Transcriber {
 public:
  virtual ~Transcriber() = default;

  virtual TranscriberInfo info() const = 0;

  // Throws kSettings with one sentence if `params` cannot work with this model (value out of range, unknown language
  // ...); returns a sentence for each setting that has no effect (translate on an English-only model ...).
  virtual std::vector<std::string> check(const TranscribeParams& params) const = 0;

  // The text of one utterance of 1..kLongestUtterance samples; values that are not finite count as 0. `stop` is looked
  // at between tokens. Throws kSettings for a wrong length and as check() does.
  virtual Transcript transcribe(std::span<const float> samples, const TranscribeParams& params,
                                const std::stop_token& stop) = 0;
};

enum class VoiceDetection {
  kEnergy,  // loudness over the background that it learns
  kSilero,  // Silero VAD's network
};

struct VoiceDetectorConfig {
  VoiceDetection kind = VoiceDetection::kSilero;
  std::string model;  // kSilero: safetensors file or folder with one; empty: the embedded weights
};

// Says for each window of a stream how likely somebody speaks. One thread at a time; state is this stream's, weights
// are shared.
class VoiceDetector {
 public:
  static constexpr int kWindow = 512;  // samples: 32 ms

  virtual ~VoiceDetector() = default;

  // 0..1; 0.5 is the usual border. Values that are not finite count as 0.
  virtual float feed(std::span<const float, kWindow> samples) = 0;

  // Forgets the stream (flush, discontinuity).
  virtual void reset() = 0;
};

}  // namespace liveedit
