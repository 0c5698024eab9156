// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/transcriber.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/api/error.h"
#include "core/speech/voice_detectors.h"
#include "tests/unit/speech/speech_golden.h"
#include "tests/unit/speech/synthetic_sound.h"
#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::speech {
namespace {

using weights::expect_error;

// Lower case, words alone.
std::string words_of(const std::string& text) {
  std::string words;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) words.push_back(static_cast<char>(std::tolower(c)));
    if (c == ' ' && !words.empty() && words.back() != ' ') words.push_back(' ');
  }
  return words;
}

constexpr const char* kKennedy =
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country";

// For one text of at most so many tokens, which counts however unlikely it is.
TranscribeParams one_text(int max_tokens) {
  TranscribeParams params;
  params.temperatures = {0};
  params.guard = false;
  params.no_speech_threshold = 1;
  params.max_tokens = max_tokens;
  return params;
}

class RandomModel : public testing::Test {
 protected:
  void SetUp() override {
    LIVEEDIT_NEED_SPEECH_DEVICE();
    model_ = test::load_speech(golden_.folder);
    transcriber_ = test::make_transcriber(model_);
  }

  c10::InferenceMode inference_;
  test::SpeechGolden golden_{"multilingual"};
  std::shared_ptr<const SpeechModel> model_;
  std::unique_ptr<WhisperTranscriber> transcriber_;
};

TEST_F(RandomModel, TellsWhatItIs) {
  const TranscriberInfo info = transcriber_->info();
  EXPECT_EQ(info.device, test::kSpeechDevice.str());
  EXPECT_EQ(info.dtype, "fp32");
  EXPECT_TRUE(info.multilingual);
  EXPECT_EQ(info.languages, (std::vector<std::string>{"de", "en", "fr", "haw"}));
  EXPECT_GT(info.memory_bytes, 1'000'000U);
}

TEST_F(RandomModel, RefusesWhatCannotWork_n) {
  const auto refused = [&](const std::string& said, auto change) {
    TranscribeParams params;
    change(params);
    expect_error(ErrorKind::kSettings, said, [&] { transcriber_->check(params); });
    expect_error(ErrorKind::kSettings, said, [&] { transcriber_->transcribe(golden_.samples(), params, {}); });
  };
  refused("klingon", [](TranscribeParams& p) { p.language = "klingon"; });
  refused("temperature", [](TranscribeParams& p) { p.temperatures = {0, 2}; });
  refused("temperature", [](TranscribeParams& p) { p.temperatures = {std::numeric_limits<float>::quiet_NaN()}; });
  refused("beam-size", [](TranscribeParams& p) { p.beam_size = 0; });
  refused("best-of", [](TranscribeParams& p) { p.best_of = 99; });
  refused("max-tokens", [](TranscribeParams& p) { p.max_tokens = -1; });
}

TEST_F(RandomModel, RefusesNoSoundAndTooMuch_n) {
  expect_error(ErrorKind::kSettings, "480000", [&] { transcriber_->transcribe({}, {}, {}); });
  const std::vector<float> long_sound(kLongestUtterance + 1);
  expect_error(ErrorKind::kSettings, "480001", [&] { transcriber_->transcribe(long_sound, {}, {}); });
}

TEST_F(RandomModel, TakesTheShortestSoundAndValuesThatAreNotFinite_n) {
  TranscribeParams params;
  params.temperatures = {0};
  const std::vector<float> one{0.5F};
  EXPECT_NO_THROW(transcriber_->transcribe(one, params, {}));
  std::vector<float> broken(8000, std::numeric_limits<float>::quiet_NaN());
  EXPECT_NO_THROW(transcriber_->transcribe(broken, params, {}));
}

TEST_F(RandomModel, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(transcriber_->transcribe(golden_.samples(), {}, stop.get_token()).outcome, TranscriptOutcome::kCancelled);
}

TEST_F(RandomModel, TriesTheTemperaturesInOrderAndTrustsNoneThatFails) {
  // A random model's texts are far below the log-probability that is asked for.
  TranscribeParams params;
  params.temperatures = {0, 0.4F, 0.9F};
  params.no_speech_threshold = 1;
  params.logprob_threshold = -0.01F;
  params.max_tokens = 5;
  const Transcript transcript = transcriber_->transcribe(golden_.samples(), params, {});
  EXPECT_EQ(transcript.outcome, TranscriptOutcome::kNoSpeech);
  EXPECT_EQ(transcript.text, "");
  EXPECT_EQ(transcript.encoded_seconds, 30);  // the whole window was tried too
  // A higher temperature is tried where a lower one fails, and the likelier of the texts is kept.
  params.guard = false;
  params.whole_window = true;
  params.temperatures = {0};
  const float alone = transcriber_->transcribe(golden_.samples(), params, {}).avg_logprob;
  params.temperatures = {0.9F, 0};
  EXPECT_GE(transcriber_->transcribe(golden_.samples(), params, {}).avg_logprob, alone);
  params.temperatures = {0, 0.9F};
  params.logprob_threshold = -1000;
  params.compression_ratio_threshold = 1000;
  EXPECT_EQ(transcriber_->transcribe(golden_.samples(), params, {}).temperature, 0);
}

TEST_F(RandomModel, ATextInDoubtIsHeardInTheWholeWindowToo) {
  TranscribeParams params = one_text(5);
  params.compression_ratio_threshold = 1000;
  params.logprob_threshold = -1000;
  const Transcript sure = transcriber_->transcribe(golden_.samples(), params, {});
  EXPECT_LT(sure.encoded_seconds, 10);
  // Now the text passes by little.
  params.logprob_threshold = sure.avg_logprob - 0.01F;
  const Transcript doubtful = transcriber_->transcribe(golden_.samples(), params, {});
  EXPECT_EQ(doubtful.encoded_seconds, 30);
  params.whole_window = true;
  const Transcript whole = transcriber_->transcribe(golden_.samples(), params, {});
  EXPECT_EQ(doubtful.avg_logprob, std::max(sure.avg_logprob, whole.avg_logprob));
}

TEST_F(RandomModel, AnInitialPromptChangesWhatIsWritten) {
  TranscribeParams params = one_text(8);
  params.language = "de";
  const Transcript without = transcriber_->transcribe(golden_.samples(), params, {});
  params.initial_prompt = "the thing in the sea";
  const Transcript with = transcriber_->transcribe(golden_.samples(), params, {});
  EXPECT_NE(without.avg_logprob, with.avg_logprob);
  // Far too long a prompt is cut to what fits, and detection still begins from nothing.
  params.initial_prompt = std::string(5000, 'x');
  params.language = "auto";
  EXPECT_EQ(transcriber_->transcribe(golden_.samples(), params, {}).language,
            golden_.record["detected"].get<std::string>());
}

TEST_F(RandomModel, ThreadsThatShareItGetTheirOwnTexts) {
  const TranscribeParams params = one_text(10);
  const auto text_of = [&](std::size_t length) {
    return transcriber_->transcribe(golden_.samples().first(length), params, {}).avg_logprob;
  };
  const float short_one = text_of(16000), long_one = text_of(48000);
  std::vector<std::jthread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      if (text_of(i % 2 == 0 ? 16000 : 48000) != (i % 2 == 0 ? short_one : long_one)) ++wrong;
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

class RealModel : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    LIVEEDIT_NEED_SPEECH_DEVICE();
    LIVEEDIT_NEED_REAL_WHISPER();
    golden_ = std::make_unique<test::SpeechGolden>("tiny.en");
    model_ = test::load_speech(test::real_speech_model(), GetParam() ? test::kSixteenBits : at::kFloat);
    transcriber_ = test::make_transcriber(model_, load_silero(""));
  }

  c10::InferenceMode inference_;
  std::unique_ptr<test::SpeechGolden> golden_;
  std::shared_ptr<const SpeechModel> model_;
  std::unique_ptr<WhisperTranscriber> transcriber_;
};

TEST_P(RealModel, KennedyIsWordPerfect) {
  for (const bool whole : {false, true}) {
    for (const int beams : {1, 5}) {
      TranscribeParams params;
      params.whole_window = whole;
      params.beam_size = beams;
      const Transcript transcript = transcriber_->transcribe(golden_->samples(), params, {});
      EXPECT_EQ(transcript.outcome, TranscriptOutcome::kText);
      EXPECT_EQ(words_of(transcript.text), kKennedy) << "whole window " << whole << ", beams " << beams;
      EXPECT_EQ(transcript.language, "en");
      EXPECT_EQ(transcript.temperature, 0);
      EXPECT_EQ(transcript.segments.size(), 1U);
      EXPECT_EQ(transcript.encoded_seconds, whole ? 30 : 13);
      std::string joined;
      for (const TranscriptToken& token : transcript.tokens) {
        joined += token.text;
        EXPECT_TRUE(token.probability > 0 && token.probability <= 1);
      }
      EXPECT_EQ(joined, " " + transcript.text);
    }
  }
}

TEST_P(RealModel, TimestampsFollowTheSpeaker) {
  TranscribeParams params;
  params.timestamps = true;
  const Transcript transcript = transcriber_->transcribe(golden_->samples(), params, {});
  EXPECT_EQ(words_of(transcript.text), kKennedy);
  ASSERT_GE(transcript.segments.size(), 1U);
  double last = 0;
  for (const TranscriptSegment& segment : transcript.segments) {
    EXPECT_GE(segment.start, last);
    EXPECT_GT(segment.end, segment.start);
    last = segment.end;
  }
  EXPECT_GT(last, 9);
  EXPECT_LE(last, 11);
}

TEST_P(RealModel, SoundWithoutSpeechGivesNoText_n) {
  const auto deaf_to_voices = test::make_transcriber(model_);
  int texts = 0;
  for (const auto& [name, samples] : test::sounds_without_speech()) {
    const Transcript transcript = transcriber_->transcribe(samples, {}, {});
    EXPECT_EQ(transcript.outcome, TranscriptOutcome::kNoSpeech) << name << ": " << transcript.text;
    EXPECT_EQ(transcript.text, "");
    // Even without the voice detector the network's own tests hold nearly all of it back.
    texts += deaf_to_voices->transcribe(samples, {}, {}).outcome == TranscriptOutcome::kText ? 1 : 0;
  }
  EXPECT_LE(texts, 1);
}

TEST_P(RealModel, AnEnglishModelKnowsNoOtherLanguage_n) {
  TranscribeParams params;
  params.language = "de";
  expect_error(ErrorKind::kSettings, "English", [&] { transcriber_->check(params); });
  params.language = "english";
  params.task = SpeechTask::kTranslate;
  EXPECT_EQ(transcriber_->check(params).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, RealModel, testing::Bool(),
                         [](const auto& info) { return info.param ? "sixteen_bits" : "fp32"; });

}  // namespace
}  // namespace liveedit::speech
