// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/prompt_maker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "elements/base/core_call.h"
#include "elements/base/core_error.h"

GST_DEBUG_CATEGORY_EXTERN(gst_whisper_prompt_debug);
#define GST_CAT_DEFAULT gst_whisper_prompt_debug

namespace liveedit::elements {
namespace {

constexpr const char* kTooSlow =
    "Speech comes faster than it can be recognised, so sentences are left out and the newest are kept. Use a smaller "
    "model or a faster device, or leaky=no if the sound may wait.";
constexpr const char* kTextsWait =
    "The element behind takes texts more slowly than they are spoken; the oldest are left out.";

// A text of what is live can be read in this.
constexpr GstClockTime kShortestShown = GST_SECOND;

double confidence_of(const Transcript& transcript) {
  return std::exp(std::min(double{transcript.avg_logprob}, 0.0));
}

double latency_ms(const Utterance& utterance) {
  return static_cast<double>(g_get_monotonic_time() - utterance.speech_end_arrival) / 1000;
}

BufferPtr make_buffer(const Utterance& utterance, const std::string& text) {
  BufferPtr buffer(gst_buffer_new_allocate(nullptr, text.size(), nullptr));
  gst_buffer_fill(buffer.get(), 0, text.data(), text.size());
  GST_BUFFER_PTS(buffer.get()) = utterance.pts;
  GST_BUFFER_DURATION(buffer.get()) = utterance.duration;
  return buffer;
}

}  // namespace

void PromptMaker::begin(std::shared_ptr<Transcriber> transcriber, const std::atomic<bool>* leaky,
                        std::function<void()> on_failure) {
  transcriber_ = std::move(transcriber);
  on_failure_ = std::move(on_failure);
  leaky_ = leaky;
  failed_ = false;
  reader_.reset();
  warnings_.forget();
  drop_warnings_.forget();
  checked_ = settings_->snapshot();
  params_ = checked_->params();
  for (const std::string& warning : transcriber_->check(params_)) warnings_.of_settings(warning);
  if (!checked_->rules.prompt_template.empty() && checked_->rules.prompt_template.find("{text}") == std::string::npos) {
    warnings_.of_settings("template has no {text}, so every sentence gives the same prompt.");
  }
}

// Settings that cannot work are told of once, and those before stay in use.
const TranscribeParams& PromptMaker::params() {
  std::shared_ptr<const PromptSettings> now = settings_->snapshot();
  if (now == checked_) return params_;
  checked_ = std::move(now);
  try {
    TranscribeParams wanted = checked_->params();
    for (const std::string& warning : transcriber_->check(wanted)) warnings_.of_settings(warning);
    params_ = std::move(wanted);
  } catch (const std::exception& error) {
    warnings_.of_settings(std::string(error.what()) + " The settings before are kept.");
  }
  return params_;
}

std::optional<Transcript> PromptMaker::recognise(const Utterance& utterance, const std::stop_token& stop) {
  if (failed_) return std::nullopt;
  std::optional<Transcript> transcript;
  bool done = false;
  const GstFlowReturn flow = call_core(element_, &warnings_, &done, [&] {
    const TranscribeParams& wanted = params();
    transcript = transcriber_->transcribe(utterance.samples, wanted, stop);
  });
  if (flow != GST_FLOW_OK) {
    failed_ = true;
    on_failure_();
  }
  return done ? transcript : std::nullopt;
}

void PromptMaker::deliver(const Recogniser::Result& result) {
  const std::shared_ptr<const PromptSettings> settings = settings_->snapshot();
  if (!result.final) {
    deliver_partial(result, *settings);
    return;
  }
  const Utterance& utterance = *result.utterance;
  const Meaning meaning = understand(utterance, result.transcript, *settings);
  count(result, !meaning.text.empty());
  if (!meaning.command.empty()) post_command(result, meaning);
  if (!meaning.prompt.empty()) post_prompt(result, meaning, meaning.text);
  leave(utterance, meaning.prompt);
  on_recognised_(result.milliseconds);
}

Meaning PromptMaker::understand(const Utterance& utterance, const std::optional<Transcript>& transcript,
                                const PromptSettings& settings) {
  const char* why = nullptr;
  std::uint64_t SpeechCounts::*what = nullptr;
  Meaning meaning;
  if (!transcript) {
    why = "failed", what = &SpeechCounts::failed;
  } else if (transcript->outcome != TranscriptOutcome::kText) {
    why = "nothing was said", what = &SpeechCounts::silent;
  } else if (confidence_of(*transcript) < settings.confidence) {
    why = "not confident enough", what = &SpeechCounts::doubtful;
  } else {
    meaning = reader_.read(transcript->text, settings.rules, utterance.pts, utterance.pts + utterance.duration);
    if (meaning.text.empty()) why = "not for us", what = &SpeechCounts::unaddressed;
  }
  GST_DEBUG_OBJECT(element_, "%" GST_TIME_FORMAT " + %" GST_TIME_FORMAT ": \"%s\" (confidence %.2f)%s%s",
                   GST_TIME_ARGS(utterance.pts), GST_TIME_ARGS(utterance.duration),
                   transcript ? transcript->text.c_str() : "", transcript ? confidence_of(*transcript) : 0,
                   why ? ", no prompt: " : "", why ? why : "");
  if (what) statistics_->change([&](SpeechCounts& counts) { ++(counts.*what); });
  return meaning;
}

void PromptMaker::count(const Recogniser::Result& result, bool has_text) {
  const double latency = latency_ms(*result.utterance);
  statistics_->change([&](SpeechCounts& counts) {
    ++counts.utterances;
    counts.speech_seconds += static_cast<double>(result.utterance->samples.size()) / kSpeechSampleRate;
    counts.recognition_ms = result.milliseconds;
    if (!has_text) return;
    counts.latency_ms = latency;
    counts.longest_latency_ms = std::max(counts.longest_latency_ms, latency);
  });
}

void PromptMaker::leave(const Utterance& utterance, const std::string& text) {
  std::size_t dropped = 0;
  BufferPtr buffer = text.empty() ? nullptr : make_buffer(utterance, text);
  if (buffer) statistics_->change([](SpeechCounts& counts) { ++counts.texts; });
  if (utterance.has_place) {
    dropped = output_->fulfil(utterance.id, std::move(buffer), *leaky_);
  } else if (buffer) {
    dropped = output_->add_now(std::move(buffer), *leaky_, kShortestShown);
  }
  if (dropped > 0) warnings_.of_frame(kTextsWait);
}

void PromptMaker::deliver_partial(const Recogniser::Result& result, const PromptSettings& settings) {
  const Utterance& utterance = *result.utterance;
  if (!result.transcript || result.transcript->outcome != TranscriptOutcome::kText) return;
  if (confidence_of(*result.transcript) < settings.confidence) return;
  if (std::exchange(partial_of_, utterance.id) != utterance.id) stable_.reset();
  const Meaning meaning = reader_.glance(result.transcript->text, settings.rules, utterance.pts);
  if (meaning.prompt.empty()) return;
  const std::string before = stable_.text();
  stable_.update(meaning.text);
  statistics_->change([](SpeechCounts& counts) { ++counts.partial; });
  post_prompt(result, meaning, stable_.text());
  if (settings.partial_results != PartialResults::kText || stable_.text() == before) return;
  BufferPtr part = make_buffer(utterance, fill_template(settings.rules.prompt_template, stable_.text()));
  if (utterance.has_place) {
    output_->add_part(utterance.id, std::move(part));
  } else {
    // Until the next part, which nobody should have to wait for.
    GST_BUFFER_DURATION(part.get()) = GstClockTime{settings.partial_interval} * GST_MSECOND;
    output_->add_now(std::move(part), *leaky_, 0);
  }
}

void PromptMaker::post_prompt(const Recogniser::Result& result, const Meaning& meaning, const std::string& stable) {
  const Utterance& utterance = *result.utterance;
  GstStructure* told = gst_structure_new(
      "prompt", "text", G_TYPE_STRING, meaning.text.c_str(), "prompt", G_TYPE_STRING, meaning.prompt.c_str(), "stable",
      G_TYPE_STRING, stable.c_str(), "final", G_TYPE_BOOLEAN, gboolean{result.final}, "language", G_TYPE_STRING,
      result.transcript->language.c_str(), "confidence", G_TYPE_DOUBLE, confidence_of(*result.transcript),
      "stream-time", G_TYPE_UINT64, utterance.stream_time, "running-time", G_TYPE_UINT64, utterance.running_time,
      "timestamp", G_TYPE_UINT64, utterance.pts, "duration", G_TYPE_UINT64, utterance.duration, "recognition-ms",
      G_TYPE_DOUBLE, result.milliseconds, "latency-ms", G_TYPE_DOUBLE, latency_ms(utterance), nullptr);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), told));
}

void PromptMaker::post_command(const Recogniser::Result& result, const Meaning& meaning) {
  const Utterance& utterance = *result.utterance;
  statistics_->change([](SpeechCounts& counts) { ++counts.commands; });
  GstStructure* told =
      gst_structure_new("command", "command", G_TYPE_STRING, meaning.command.c_str(), "text", G_TYPE_STRING,
                        meaning.text.c_str(), "language", G_TYPE_STRING, result.transcript->language.c_str(),
                        "confidence", G_TYPE_DOUBLE, confidence_of(*result.transcript), "stream-time", G_TYPE_UINT64,
                        utterance.stream_time, "running-time", G_TYPE_UINT64, utterance.running_time, nullptr);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), told));
}

void PromptMaker::drop(const Utterance& utterance) {
  statistics_->change([](SpeechCounts& counts) {
    ++counts.utterances;
    ++counts.dropped;
  });
  if (utterance.has_place) output_->fulfil(utterance.id, nullptr, true);
  drop_warnings_.of_frame(kTooSlow);
}

}  // namespace liveedit::elements
