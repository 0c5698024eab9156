// SPDX-License-Identifier: LGPL-2.1-or-later
// Folders that are no whole Whisper model: one clear error each.
#include "core/speech/speech_model.h"

#include <cstdlib>
#include <fstream>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "tests/unit/speech/speech_golden.h"
#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::speech {
namespace {

namespace fs = std::filesystem;
using weights::expect_error;

class SpeechModelTest : public weights::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    copy_ = folder_ / "model";
    fs::copy(test::golden_folder("whisper") / "multilingual", copy_);
  }

  void expect_refused(ErrorKind kind, const std::string& said) {
    const c10::InferenceMode inference;
    expect_error(kind, said, [&] { SpeechModel::load({copy_, at::kCPU, at::kFloat}, {}); });
  }

  void replace(const std::string& file, const std::string& from, const std::string& to) {
    std::ifstream in(copy_ / file);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    std::ofstream(copy_ / file) << text.replace(place, from.size(), to);
  }

  fs::path copy_;
};

TEST_F(SpeechModelTest, WholeFolderLoads) {
  const c10::InferenceMode inference;
  int steps = 0;
  const auto model = SpeechModel::load({copy_, at::kCPU, at::kFloat}, [&](const ProgressStep&) { return ++steps > 0; });
  EXPECT_TRUE(model->settings.multilingual());
  EXPECT_EQ(model->settings.languages.size(), 4U);
  EXPECT_EQ(model->options.mel_bins, 128);
  EXPECT_GE(steps, 2);
}

TEST_F(SpeechModelTest, OlderFoldersSayTheSameInOtherFiles) {
  const c10::InferenceMode inference;
  const auto model = SpeechModel::load({copy_, at::kCPU, at::kFloat}, {});
  // Without generation_config.json the tokenizer's names stand in for it.
  fs::remove(copy_ / "generation_config.json");
  replace("config.json", "\"model_type\"", "\"is_multilingual\": true, \"model_type\"");
  const auto older = SpeechModel::load({copy_, at::kCPU, at::kFloat}, {});
  EXPECT_EQ(older->settings.languages, model->settings.languages);
  EXPECT_EQ(older->settings.no_timestamps, model->settings.no_timestamps);
  EXPECT_EQ(older->settings.previous, model->settings.previous);
  EXPECT_EQ(older->settings.translate, model->settings.translate);
}

// Whatever generation_config.json leaves out is known from the other files, or has OpenAI's value.
TEST_F(SpeechModelTest, EachFieldMayBeMissing) {
  const c10::InferenceMode inference;
  const auto load = [&] { return SpeechModel::load({copy_, at::kCPU, at::kFloat}, {}); };
  const GenerationSettings whole = load()->settings;
  ASSERT_FALSE(whole.suppress.empty());
  ASSERT_FALSE(whole.begin_suppress.empty());
  std::ifstream in(copy_ / "generation_config.json");
  const nlohmann::json written = nlohmann::json::parse(in);
  for (const auto& [key, value] : written.items()) {
    nlohmann::json fewer = written;
    fewer.erase(key);
    std::ofstream(copy_ / "generation_config.json") << fewer.dump();
    const GenerationSettings settings = load()->settings;
    EXPECT_EQ(settings.start, whole.start) << key;
    EXPECT_EQ(settings.end, whole.end) << key;
    EXPECT_EQ(settings.no_timestamps, whole.no_timestamps) << key;
    EXPECT_EQ(settings.no_speech, whole.no_speech) << key;
    EXPECT_EQ(settings.previous, whole.previous) << key;
    EXPECT_EQ(settings.transcribe, whole.transcribe) << key;
    EXPECT_EQ(settings.translate, whole.translate) << key;
    EXPECT_EQ(settings.languages, whole.languages) << key;
    EXPECT_EQ(settings.max_initial_timestamp, whole.max_initial_timestamp) << key;
    EXPECT_EQ(settings.suppress.empty(), key == "suppress_tokens") << key;
    EXPECT_EQ(settings.begin_suppress.empty(), key == "begin_suppress_tokens") << key;
  }
}

TEST_F(SpeechModelTest, MissingFilesAreNamed_n) {
  fs::remove(copy_ / "model.safetensors");
  expect_refused(ErrorKind::kNotFound, "model.safetensors");
  fs::remove(copy_ / "merges.txt");
  expect_refused(ErrorKind::kNotFound, "merges.txt");
  fs::remove(copy_ / "vocab.json");
  expect_refused(ErrorKind::kNotFound, "tokenizer");
}

TEST_F(SpeechModelTest, TruncatedWeightsAreRefused_n) {
  fs::resize_file(copy_ / "model.safetensors", fs::file_size(copy_ / "model.safetensors") - 1000);
  expect_refused(ErrorKind::kBadModel, "model.safetensors");
}

TEST_F(SpeechModelTest, WeightsOfAnotherSizeAreRefused_n) {
  replace("config.json", "\"d_model\": 48", "\"d_model\": 60");
  expect_refused(ErrorKind::kBadModel, "model.safetensors");
}

TEST_F(SpeechModelTest, OtherKindsOfModelAreRefused_n) {
  replace("config.json", "\"model_type\": \"whisper\"", "\"model_type\": \"bert\"");
  expect_refused(ErrorKind::kBadModel, "whisper");
}

TEST_F(SpeechModelTest, OtherPicturesOfSoundAreRefused_n) {
  replace("preprocessor_config.json", "\"hop_length\": 160", "\"hop_length\": 200");
  expect_refused(ErrorKind::kBadModel, "hop_length");
}

TEST_F(SpeechModelTest, TokensOutsideOfTheVocabularyAreRefused_n) {
  replace("generation_config.json", "\"no_timestamps_token_id\": 277", "\"no_timestamps_token_id\": 99999");
  expect_refused(ErrorKind::kBadModel, "99999");
}

TEST_F(SpeechModelTest, LoadingStopsWhenAsked_n) {
  const c10::InferenceMode inference;
  expect_error(ErrorKind::kUnavailable, "stopped", [&] {
    SpeechModel::load({copy_, at::kCPU, at::kFloat}, [](const ProgressStep&) { return false; });
  });
}

TEST_F(SpeechModelTest, FoldersThatHoldSomethingElseSayHowToGetAModel_n) {
  fs::create_directories(folder_ / "empty");
  expect_error(ErrorKind::kBadModel, "hf download openai/whisper-tiny.en",
               [&] { locate_speech_model((folder_ / "empty").string()); });
}

TEST_F(SpeechModelTest, SizesAreFoundWhereTheUserKeepsModels) {
  fs::rename(copy_, folder_ / "whisper-base");
  setenv("LIVEEDIT_MODELS", folder_.c_str(), 1);
  EXPECT_EQ(locate_speech_model("base"), folder_ / "whisper-base");
  // The one that is not there: where we looked, and the command that gets it.
  setenv("HF_HUB_CACHE", (folder_ / "cache").c_str(), 1);
  expect_error(ErrorKind::kNotFound, "hf download openai/whisper-large-v3-turbo",
               [&] { locate_speech_model("large-v3-turbo"); });
  expect_error(ErrorKind::kNotFound, folder_.string(), [&] { locate_speech_model(""); });
  unsetenv("LIVEEDIT_MODELS");
  unsetenv("HF_HUB_CACHE");
}

}  // namespace
}  // namespace liveedit::speech
