// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/properties.h"

#include <algorithm>

#include "elements/base/device_properties.h"
#include "elements/base/enum_type.h"

namespace liveedit::elements {
namespace {

constexpr int kMaxBeams = 16;
constexpr guint kMaxMilliseconds = 10000;
constexpr guint kShortestSegment = 1000;
constexpr guint kLongestSegment = 29000;  // with the pad around a cut, below Whisper's 30 s
constexpr guint kShortestInterval = 100;

GType voice_activity_type() {
  static constexpr EnumText<VoiceActivity> texts[] = {
      {VoiceActivity::kNone, "Not at all: everything is speech, in pieces of max-segment", "none"},
      {VoiceActivity::kEnergy, "By loudness over the background", "energy"},
      {VoiceActivity::kSilero, "By a network that knows voices (Silero VAD)", "silero"},
  };
  static const GType type = register_enum("GstWhisperPromptVad", texts);
  return type;
}

GType partial_results_type() {
  static constexpr EnumText<PartialResults> texts[] = {
      {PartialResults::kNone, "Nothing: only whole sentences count", "none"},
      {PartialResults::kMessages, "Messages tell it, with the part that will stay", "messages"},
      {PartialResults::kText, "The part that will stay leaves as text, too, as it grows", "text"},
  };
  static const GType type = register_enum("GstWhisperPromptPartialResults", texts);
  return type;
}

GType text_time_type() {
  static constexpr EnumText<TextTime> texts[] = {
      {TextTime::kAuto, "As arrival where the source is live, else as speech", "auto"},
      {TextTime::kSpeech,
       "Where it was spoken, for as long as it was: subtitles of a film. A live stream is behind by max-segment "
       "then",
       "speech"},
      {TextTime::kArrival,
       "Where the stream has got to when the text is known: what is live does not wait. It lasts at least a "
       "second, and as long as it was spoken from where the text before ends",
       "arrival"},
  };
  static const GType type = register_enum("GstWhisperPromptTextTime", texts);
  return type;
}

GType leaky_type() {
  static constexpr EnumText<Leaky> texts[] = {
      {Leaky::kAuto, "Live sources do not wait, others do", "auto"},
      {Leaky::kNo, "The sound waits, and nothing is lost", "no"},
      {Leaky::kYes, "The newest sentence is kept and older ones are lost, with a warning", "yes"},
  };
  static const GType type = register_enum("GstWhisperPromptLeaky", texts);
  return type;
}

void add_model_properties(PropertyTable<PromptSettings>& table) {
  table.add_string(
      "model", "Model",
      "Whisper: a folder in Hugging Face layout, a Hugging Face id such as openai/whisper-small, or a size such as "
      "base.en; empty: tiny.en, where the usual places have it",
      [](auto& s) -> auto& { return s.config.model; }, kReady);
  add_device_properties(table);
}

void add_recognition_properties(PropertyTable<PromptSettings>& table) {
  table.add_string(
      "language", "Language",
      "What is spoken: a code or English name (de, german), or auto to find out; models whose name ends in .en know "
      "English only",
      [](auto& s) -> auto& { return s.language; }, kLive);
  table.add_bool(
      "translate", "Translate", "Give the text in English, whatever is spoken; needs a multilingual model",
      [](auto& s) -> auto& { return s.translate; }, kLive);
  table.add_int(
      "beam-size", "Beam size", "How many texts are followed side by side; 1 is fastest", 1, kMaxBeams,
      [](auto& s) -> auto& { return s.beam_size; }, kLive);
  table.add_string(
      "initial-prompt", "Initial prompt",
      "Words and names that are likely to be said, which helps the model to spell them: \"watercolor, neon edges\"",
      [](auto& s) -> auto& { return s.initial_prompt; }, kLive);
  table.add_bool(
      "hallucination-guard", "Hallucination guard",
      "No text where a voice detector hears nobody in what is to be recognised (noise, hum, music), and none that "
      "repeats itself or holds no word",
      [](auto& s) -> auto& { return s.guard; }, kLive);
  table.add_float(
      "confidence", "Confidence",
      "Texts that the model is less sure of are held back; 0 (none) to 1. The mean probability of a text's tokens is "
      "compared, which the prompt message tells",
      0, 1, [](auto& s) -> auto& { return s.confidence; }, kLive);
}

void add_vad_properties(PropertyTable<PromptSettings>& table) {
  table.add_enum(
      "vad", "Voice activity detection", "How the beginning and the end of a sentence are found", voice_activity_type(),
      [](auto& s) -> auto& { return s.vad; }, kLive);
  table.add_float(
      "vad-threshold", "Voice activity threshold", "Probability of speech from which on somebody speaks", 0, 1,
      [](auto& s) -> auto& { return s.vad_threshold; }, kLive);
  table.add_uint(
      "vad-min-speech", "Shortest speech", "Shorter sounds are no speech, in milliseconds", 0, kMaxMilliseconds,
      [](auto& s) -> auto& { return s.vad_min_speech; }, kLive);
  table.add_uint(
      "vad-min-silence", "Shortest silence", "So long a silence ends a sentence, in milliseconds", 0, kMaxMilliseconds,
      [](auto& s) -> auto& { return s.vad_min_silence; }, kLive);
  table.add_uint(
      "vad-pad", "Pad",
      "Sound before and behind the speech that is recognised with it, in milliseconds; behind it at most "
      "vad-min-silence",
      0, kMaxMilliseconds, [](auto& s) -> auto& { return s.vad_pad; }, kLive);
  table.add_uint(
      "max-segment", "Longest segment",
      "Speech that goes on for longer is cut, where it is quietest, in milliseconds; with vad=none always",
      kShortestSegment, kLongestSegment, [](auto& s) -> auto& { return s.max_segment; }, kLive);
}

void add_text_properties(PropertyTable<PromptSettings>& table) {
  table.add_enum(
      "partial-results", "Partial results", "What becomes of a text while it is still being spoken",
      partial_results_type(), [](auto& s) -> auto& { return s.partial_results; }, kLive);
  table.add_uint(
      "partial-interval", "Partial interval",
      "Time between two partial results, in milliseconds, where the machine has it", kShortestInterval,
      kMaxMilliseconds, [](auto& s) -> auto& { return s.partial_interval; }, kLive);
  table.add_string(
      "template", "Template",
      "What leaves, with {text} where the words are put, less their full stop: \"a photo of {text}, oil painting\"; "
      "empty: the text alone",
      [](auto& s) -> auto& { return s.rules.prompt_template; }, kLive);
  table.add_string(
      "wake-word", "Wake word",
      "Only what begins with this word or these words counts, or follows on them within five seconds; empty: "
      "everything",
      [](auto& s) -> auto& { return s.rules.wake_word; }, kLive);
  table.add_string(
      "commands", "Commands",
      "Sentences, separated by commas, that are posted as command messages and are no text; empty: none",
      [](auto& s) -> auto& { return s.rules.commands; }, kLive);
  table.add_enum(
      "text-time", "Text time", "Where a text stands in the time of the stream", text_time_type(),
      [](auto& s) -> auto& { return s.text_time; }, kLive);
  table.add_enum(
      "leaky", "Leaky", "What happens when speech comes faster than it can be recognised", leaky_type(),
      [](auto& s) -> auto& { return s.leaky; }, kLive);
}

// What is likely to be said, as if it had been said before: the model then tells short commands from what sounds alike.
std::string expected_words(const PromptSettings& settings) {
  std::string words = settings.initial_prompt;
  for (const std::string& sentence : sentences_of(settings.rules)) {
    // As sentences are written, so that the model goes on in this manner.
    gchar first[6];
    const gint length = g_unichar_to_utf8(g_unichar_toupper(g_utf8_get_char(sentence.c_str())), first);
    words += words.empty() ? "" : " ";
    words += std::string(first, static_cast<std::size_t>(length)) + g_utf8_next_char(sentence.c_str()) + ".";
  }
  return words;
}

std::int64_t samples_of(guint milliseconds) {
  return std::int64_t{milliseconds} * kSpeechSampleRate / 1000;
}

}  // namespace

FinderSettings PromptSettings::finder() const {
  FinderSettings finder;
  // Without detection everything is speech (listener.cpp), up to the longest segment.
  finder.threshold = vad == VoiceActivity::kNone ? 0 : vad_threshold;
  finder.min_speech = samples_of(vad_min_speech);
  finder.min_silence = samples_of(vad_min_silence);
  finder.pad = samples_of(vad_pad);
  finder.max_segment = samples_of(max_segment);
  return finder;
}

TranscribeParams PromptSettings::params() const {
  TranscribeParams params;
  params.language = language;
  params.task = translate ? SpeechTask::kTranslate : SpeechTask::kTranscribe;
  params.beam_size = beam_size;
  params.initial_prompt = expected_words(*this);
  params.guard = guard;
  return params;
}

const PropertyTable<PromptSettings>& prompt_properties() {
  static const PropertyTable<PromptSettings> properties = [] {
    PropertyTable<PromptSettings> made;
    add_model_properties(made);
    add_recognition_properties(made);
    add_vad_properties(made);
    add_text_properties(made);
    return made;
  }();
  return properties;
}

}  // namespace liveedit::elements
