// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/transcription.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "core/speech/compression.h"
#include "core/speech/languages.h"
#include "core/speech/speech_window.h"
#include "core/tokenizers/unicode_text.h"

namespace liveedit::speech {
namespace {

constexpr double kSecondsPerTimestamp = 0.02;

// Of the log-probability below which a text fails: from there on it is in doubt. Over two sets of 68 sentences by
// espeak-ng, tiny.en makes 1.4 and 0.7 points fewer word errors with it.
constexpr double kDoubt = 0.5;

class Stopwatch {
 public:
  explicit Stopwatch(double& to) : to_(to), begin_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { to_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& to_;
  std::chrono::steady_clock::time_point begin_;
};

std::string stripped(const std::string& text) {
  const std::u32string codes = tokenizers::decode_utf8(text);
  std::u32string_view view = codes;
  while (!view.empty() && tokenizers::is_space(view.front())) view.remove_prefix(1);
  while (!view.empty() && tokenizers::is_space(view.back())) view.remove_suffix(1);
  return tokenizers::encode_utf8(view);
}

bool has_words(const std::string& text) {
  const std::u32string codes = tokenizers::decode_utf8(text);
  return std::any_of(codes.begin(), codes.end(),
                     [](char32_t code) { return tokenizers::is_letter(code) || tokenizers::is_number(code); });
}

}  // namespace

Transcription::Transcription(const SpeechModel& model, SpeechNetwork& network, std::span<const float> samples,
                             const TranscribeParams& params, bool voice_heard, const std::stop_token& stop)
    : model_(model),
      settings_(model.settings),
      network_(network),
      samples_(samples),
      params_(params),
      voice_heard_(voice_heard),
      stop_(stop) {
  transcript_.language = "en";
  transcript_.language_probability = 1;
  if (!settings_.multilingual() || params.language.empty() || params.language == "auto") return;
  transcript_.language = language_code(params.language);
  language_ = settings_.languages.at(transcript_.language);
}

Transcript Transcription::run() {
  const auto short_frames = params_.whole_window ? LogMel::kWindowFrames : window_frames(samples_.size());
  std::vector<float> temperatures = params_.temperatures;
  if (temperatures.empty()) temperatures.push_back(0);
  std::optional<Attempt> best;
  // A window that follows the speech is what the model was not trained with: where it leaves the model in doubt, the
  // whole one is heard too, and the likelier text is kept.
  for (const std::int64_t frames : {short_frames, LogMel::kWindowFrames}) {
    const bool whole = frames == LogMel::kWindowFrames;
    listen(frames);
    at::Tensor logits = write_prompt();
    const std::int64_t prompt = network_.length();
    for (const float temperature : temperatures) {
      network_.rewind(prompt);
      network_.take_rows({0});
      Attempt next = attempt(logits, temperature);
      if (stop_.stop_requested()) return finish(next);
      if (is_silence(next) && !(best && passes(*best))) return finish(next);
      if (!best || is_better(next, *best)) best = std::move(next);
      if (passes(*best) && (whole || !is_doubtful(*best))) return finish(*best);
      if (!whole) break;
    }
    if (whole) break;
  }
  return finish(*best);
}

void Transcription::listen(std::int64_t frames) {
  const Stopwatch watch(transcript_.encode_ms);
  network_.listen(model_.log_mel(samples_, frames));
  transcript_.encoded_seconds = static_cast<double>(frames * LogMel::kHop) / kSpeechSampleRate;
}

at::Tensor Transcription::write(const std::vector<std::int64_t>& tokens, const std::vector<std::int64_t>& places) {
  return network_.write(at::tensor(tokens, at::kLong).view({1, -1}), places)[0];
}

at::Tensor Transcription::write_prompt() {
  const Stopwatch watch(transcript_.decode_ms);
  std::vector<std::int64_t> before;
  if (const std::string words = stripped(params_.initial_prompt); !words.empty()) {
    before = model_.tokenizer.encode(" " + words);
    // The last half of what fits, as the model was trained.
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, model_.options.target_positions / 2 - 1));
    if (before.size() > most) before.erase(before.begin(), before.end() - static_cast<std::ptrdiff_t>(most));
    before.insert(before.begin(), settings_.previous);
  }
  const bool auto_language = settings_.multilingual() && language_ == 0;
  if (auto_language) detect_language(before);

  // What was written for the detection is the prompt's beginning, unless other words come first.
  std::vector<std::int64_t> tokens;
  if (network_.length() == 0) {
    tokens = before;
    tokens.push_back(settings_.start);
  }
  const auto start = static_cast<std::int64_t>(tokens.size()) - 1;
  if (settings_.multilingual()) {
    tokens.push_back(language_);
    tokens.push_back(params_.task == SpeechTask::kTranslate ? settings_.translate : settings_.transcribe);
  }
  if (!params_.timestamps) tokens.push_back(settings_.no_timestamps);
  const auto last = static_cast<std::int64_t>(tokens.size()) - 1;
  if (start < 0) return write(tokens, {last})[0];
  const at::Tensor logits = write(tokens, {start, last});
  take_no_speech(logits[0]);
  return logits[1].contiguous();
}

void Transcription::detect_language(const std::vector<std::int64_t>& before) {
  const at::Tensor logits = write({settings_.start}, {0})[0];
  take_no_speech(logits);
  double sum = 0, highest = 0;
  const auto* values = logits.const_data_ptr<float>();
  float top = values[settings_.languages.begin()->second];
  for (const auto& [code, token] : settings_.languages) top = std::max(top, values[token]);
  for (const auto& [code, token] : settings_.languages) {
    const double weight = std::exp(static_cast<double>(values[token] - top));
    sum += weight;
    if (weight <= highest) continue;
    highest = weight;
    transcript_.language = code;
    language_ = token;
  }
  transcript_.language_probability = static_cast<float>(highest / sum);
  if (!before.empty()) network_.rewind(0);
}

void Transcription::take_no_speech(const at::Tensor& logits) {
  transcript_.no_speech_prob = logits.softmax(0)[settings_.no_speech].item<float>();
}

Transcription::Attempt Transcription::attempt(const at::Tensor& logits, float temperature) {
  const Stopwatch watch(transcript_.decode_ms);
  WritingLimits limits;
  const std::int64_t room = model_.options.target_positions - network_.length();
  limits.most_tokens = std::min(room, model_.options.target_positions / 2);
  if (params_.max_tokens > 0) limits.most_tokens = std::min<std::int64_t>(limits.most_tokens, params_.max_tokens);
  limits.stopped = [this] { return stop_.stop_requested(); };
  const TokenRules rules(settings_, params_.timestamps);
  Attempt result;
  result.temperature = temperature;
  if (temperature > 0) {
    result.written =
        write_sampled(network_, settings_, rules, logits, limits, temperature, params_.best_of, params_.seed);
  } else if (params_.beam_size > 1) {
    result.written =
        write_by_beams(network_, settings_, rules, logits, limits, {params_.beam_size, params_.length_penalty});
  } else {
    result.written = write_greedily(network_, settings_, rules, logits, limits);
  }
  result.text = stripped(model_.tokenizer.decode(result.written.tokens));
  result.compression_ratio = compression_ratio(result.text);
  return result;
}

bool Transcription::repeats_itself(const Attempt& attempt) const {
  return attempt.compression_ratio > params_.compression_ratio_threshold;
}

bool Transcription::passes(const Attempt& attempt) const {
  return !repeats_itself(attempt) && attempt.written.mean_logprob() >= params_.logprob_threshold;
}

bool Transcription::is_doubtful(const Attempt& attempt) const {
  return attempt.written.mean_logprob() < params_.logprob_threshold * kDoubt;
}

bool Transcription::is_better(const Attempt& attempt, const Attempt& than) const {
  if (repeats_itself(attempt) != repeats_itself(than)) return !repeats_itself(attempt);
  return attempt.written.mean_logprob() > than.written.mean_logprob();
}

bool Transcription::is_silence(const Attempt& attempt) const {
  return !voice_heard_ && transcript_.no_speech_prob > params_.no_speech_threshold &&
         attempt.written.mean_logprob() < params_.logprob_threshold;
}

Transcript Transcription::finish(const Attempt& attempt) {
  if (stop_.stop_requested()) {
    Transcript cancelled;
    cancelled.outcome = TranscriptOutcome::kCancelled;
    return cancelled;
  }
  transcript_.temperature = attempt.temperature;
  transcript_.avg_logprob = static_cast<float>(attempt.written.mean_logprob());
  transcript_.compression_ratio = static_cast<float>(attempt.compression_ratio);
  const bool holds_up = voice_heard_ ? !repeats_itself(attempt) : passes(attempt);
  const bool trusted = !is_silence(attempt) && (!params_.guard || (holds_up && has_words(attempt.text)));
  if (!trusted || attempt.text.empty()) transcript_.outcome = TranscriptOutcome::kNoSpeech;
  if (!trusted) return transcript_;
  transcript_.text = attempt.text;
  transcript_.segments = segments_of(attempt.written, attempt.text);
  for (std::size_t i = 0; i < attempt.written.tokens.size(); ++i) {
    const std::int64_t id = attempt.written.tokens[i];
    transcript_.tokens.push_back(
        {static_cast<int>(id), model_.tokenizer.bytes_of(id), std::exp(attempt.written.logprobs[i])});
  }
  return transcript_;
}

std::vector<TranscriptSegment> Transcription::segments_of(const WrittenText& written, const std::string& text) const {
  const double length = static_cast<double>(samples_.size()) / kSpeechSampleRate;
  if (!params_.timestamps) return {{0, length, text}};
  std::vector<TranscriptSegment> segments;
  std::vector<std::int64_t> words;
  double start = 0;
  const auto close = [&](double end) {
    const std::string piece = stripped(model_.tokenizer.decode(words));
    if (!piece.empty()) segments.push_back({start, std::min(end, length), piece});
    words.clear();
  };
  for (const std::int64_t id : written.tokens) {
    if (id < settings_.first_timestamp()) {
      words.push_back(id);
      continue;
    }
    const double time = static_cast<double>(id - settings_.first_timestamp()) * kSecondsPerTimestamp;
    close(time);
    start = std::min(time, length);
  }
  close(length);
  return segments;
}

}  // namespace liveedit::speech
