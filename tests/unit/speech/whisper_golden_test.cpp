// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks and the ways of decoding against transformers, on random small models and on the real tiny.en.

#include <gtest/gtest.h>

#include "core/speech/languages.h"
#include "tests/unit/networks/golden_case.h"
#include "tests/unit/speech/speech_golden.h"

namespace liveedit::speech {
namespace {

constexpr int kMostTokens = 30;  // as in whisper.py

std::vector<std::int64_t> ids_of(const Transcript& transcript) {
  std::vector<std::int64_t> ids;
  for (const TranscriptToken& token : transcript.tokens) ids.push_back(token.id);
  return ids;
}

// Everything that could keep a random text back is off.
TranscribeParams bare_params() {
  TranscribeParams params;
  params.temperatures = {0};
  params.no_speech_threshold = 1;
  params.guard = false;
  params.whole_window = true;
  params.max_tokens = kMostTokens;
  return params;
}

class WhisperGolden : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    LIVEEDIT_NEED_SPEECH_DEVICE();
    if (std::string(GetParam()) == "tiny.en") LIVEEDIT_NEED_REAL_WHISPER();
    golden_ = std::make_unique<test::SpeechGolden>(GetParam());
    model_ = load(at::kFloat);
  }

  std::shared_ptr<const SpeechModel> load(at::ScalarType dtype) const {
    return test::load_speech(std::string(GetParam()) == "tiny.en" ? test::real_speech_model() : golden_->folder, dtype);
  }

  at::Tensor written() const {
    return at::tensor(golden_->record["written"].get<std::vector<std::int64_t>>(), at::kLong).view({1, -1});
  }

  networks::WhisperEncoded encode(const SpeechModel& model, const at::Tensor& mel) const {
    return model.encoder(mel.unsqueeze(0).to(model.source.device, model.source.dtype));
  }

  // The logits of each text, word by word or at once.
  at::Tensor logits(const SpeechModel& model, std::int64_t tokens_a_step) const {
    networks::WhisperEncoded encoded = encode(model, golden_->values.at("mel"));
    if (model.source.device.is_cpu()) encoded.hidden = encoded.hidden.to(at::kFloat);
    const networks::WhisperSound sound = model.decoder.embed_sound(encoded);
    networks::WhisperMemory memory = model.decoder.empty_memory(1);
    std::vector<at::Tensor> all;
    for (const at::Tensor& step : written().to(model.source.device).split(tokens_a_step, 1)) {
      all.push_back(model.decoder.logits(model.decoder.forward(step, sound, memory)));
    }
    return at::cat(all, 1)[0].cpu();
  }

  c10::InferenceMode inference_;
  std::unique_ptr<test::SpeechGolden> golden_;
  std::shared_ptr<const SpeechModel> model_;
};

TEST_P(WhisperGolden, EncoderGivesTheReferencesStates) {
  const networks::WhisperEncoded encoded = encode(*model_, golden_->values.at("mel"));
  EXPECT_FALSE(encoded.log_weight.defined());
  EXPECT_LT(networks::relative_difference(encoded.hidden[0].cpu(), golden_->values.at("encoded")), 1e-4);
}

TEST_P(WhisperGolden, LogitsAreTheReferences) {
  for (const std::int64_t step : {1, 3, 1000}) {
    EXPECT_LT(networks::relative_difference(logits(*model_, step), golden_->values.at("logits")), 2e-4) << step;
  }
}

TEST_P(WhisperGolden, SixteenBitWeightsGiveNearlyTheReferencesLogits) {
  const auto half = load(test::kSixteenBits);
  EXPECT_LT(networks::relative_difference(logits(*half, 1), golden_->values.at("logits")), 0.05);
}

TEST_P(WhisperGolden, TextsAreTheReferences) {
  const auto transcriber = test::make_transcriber(model_);
  for (const auto& [spoken, texts] : golden_->record["texts"].items()) {
    TranscribeParams params = bare_params();
    params.language = spoken.substr(0, 2);
    params.task = spoken.ends_with("translate") ? SpeechTask::kTranslate : SpeechTask::kTranscribe;
    const auto expect_text = [&](const char* way) {
      if (!texts.contains(way)) return;
      const Transcript transcript = transcriber->transcribe(golden_->samples(), params, {});
      EXPECT_EQ(ids_of(transcript), texts[way].get<std::vector<std::int64_t>>()) << spoken << ' ' << way;
    };
    expect_text("greedy");
    params.beam_size = 4;
    expect_text("beams");
    params.beam_size = 3;
    params.length_penalty = 2;
    expect_text("beams_long");
    params = bare_params();
    params.language = spoken.substr(0, 2);
    params.task = spoken.ends_with("translate") ? SpeechTask::kTranslate : SpeechTask::kTranscribe;
    params.timestamps = true;
    expect_text("timestamps");
  }
}

TEST_P(WhisperGolden, TextsBehindAnInitialPromptAreTheReferences) {
  TranscribeParams params = bare_params();
  const auto& prompted = golden_->record["prompted"];
  params.initial_prompt = prompted["before"].get<std::string>();
  if (model_->settings.multilingual()) params.language = golden_->record["texts"].begin().key().substr(0, 2);
  const Transcript transcript = test::make_transcriber(model_)->transcribe(golden_->samples(), params, {});
  EXPECT_EQ(ids_of(transcript), prompted["tokens"].get<std::vector<std::int64_t>>());
}

TEST_P(WhisperGolden, NoSpeechProbabilityAndLanguageAreTheReferences) {
  const auto transcriber = test::make_transcriber(model_);
  const Transcript transcript = transcriber->transcribe(golden_->samples(), bare_params(), {});
  EXPECT_NEAR(transcript.no_speech_prob, golden_->record["no_speech"].get<double>(), 1e-4);
  EXPECT_EQ(transcript.language, golden_->record.value("detected", "en"));
}

// Silence by few positions stands for silence by all: the states of the sound stay nearly what they were.
TEST_P(WhisperGolden, FewSilentPositionsStandForAll) {
  const std::int64_t frames = static_cast<std::int64_t>(golden_->samples().size()) / LogMel::kHop / 2 * 2 + 200;
  const networks::WhisperEncoded few = encode(*model_, model_->log_mel(golden_->samples(), frames));
  ASSERT_TRUE(few.log_weight.defined());
  EXPECT_LT(few.hidden.size(1), 1500 * 2 / 3);
  EXPECT_EQ(few.hidden.size(1), few.log_weight.size(0));
  EXPECT_NEAR(few.log_weight.exp().sum().item<double>(), 1500, 0.1);
  const std::int64_t heard = static_cast<std::int64_t>(golden_->samples().size()) / 320;
  EXPECT_LT(networks::relative_difference(few.hidden[0].narrow(0, 0, heard).cpu(),
                                          golden_->values.at("encoded").narrow(0, 0, heard)),
            0.2);
}

INSTANTIATE_TEST_SUITE_P(Models, WhisperGolden,
                         testing::Values("english", "multilingual", "multilingual_80", "turbo", "tiny.en"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name == "tiny.en" ? "tiny_en" : name;
                         });

}  // namespace
}  // namespace liveedit::speech
