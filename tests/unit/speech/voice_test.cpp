// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/voice_detectors.h"

#include <cmath>
#include <limits>
#include <random>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/api/error.h"
#include "tests/unit/speech/speech_golden.h"
#include "tests/unit/speech/synthetic_sound.h"

namespace liveedit::speech {
namespace {

std::vector<float> probabilities(VoiceDetector& detector, std::span<const float> samples) {
  std::vector<float> values;
  for (std::size_t i = 0; i + VoiceDetector::kWindow <= samples.size(); i += VoiceDetector::kWindow) {
    values.push_back(detector.feed(samples.subspan(i).first<VoiceDetector::kWindow>()));
  }
  return values;
}

double share_above(const std::vector<float>& values, float border) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), [&](float v) { return v >= border; })) /
         static_cast<double>(values.size());
}

class SileroTest : public testing::Test {
 protected:
  c10::InferenceMode inference_;
  std::shared_ptr<const networks::SileroVad> vad_ = load_silero("");
};

TEST_F(SileroTest, HearsASpeakerAndHisPauses) {
  LIVEEDIT_NEED_REAL_WHISPER();
  const test::SpeechGolden golden("tiny.en");
  const auto detector = make_silero_detector(vad_);
  const std::vector<float> values = probabilities(*detector, golden.samples());
  EXPECT_GT(share_above(values, 0.5F), 0.6);
  EXPECT_LT(share_above(values, 0.5F), 0.95);  // "And so, my fellow Americans" ... "ask not"
  // What an utterance holds is the same, however it is counted.
  const VoiceShare share = voice_share(*vad_, golden.samples().first(values.size() * VoiceDetector::kWindow));
  EXPECT_NEAR(share.speech_seconds, share_above(values, 0.5F) * static_cast<double>(values.size()) * 0.032, 0.1);
  // After a reset the stream begins anew.
  detector->reset();
  EXPECT_EQ(probabilities(*detector, golden.samples()), values);
}

TEST_F(SileroTest, HearsNobodyInOtherSound) {
  for (const auto& [name, samples] : test::sounds_without_speech()) {
    EXPECT_LT(voice_share(*vad_, samples).speech_seconds, 0.16) << name;
  }
}

TEST_F(SileroTest, ValuesThatAreNotFiniteDoNoHarm_n) {
  const auto detector = make_silero_detector(vad_);
  std::vector<float> broken(VoiceDetector::kWindow * 8, 0.0F);
  broken[100] = std::numeric_limits<float>::quiet_NaN();
  broken[900] = -std::numeric_limits<float>::infinity();
  for (const float value : probabilities(*detector, broken)) EXPECT_TRUE(value >= 0 && value <= 1);
}

TEST_F(SileroTest, MissingWeightsAreOneSentence_n) {
  try {
    load_silero("/nowhere/at/all");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
    EXPECT_NE(std::string(error.what()).find("/nowhere/at/all"), std::string::npos) << error.what();
  }
}

TEST(EnergyDetector, HearsWhatIsLouderThanTheBackground) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 1);
  std::vector<float> samples(16000 * 12);
  // A fan all the time; somebody between the tenth and the eleventh second.
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const bool speaks = i >= 160000 && i < 176000;
    samples[i] = (speaks ? 0.2F : 0.01F) * noise(random);
  }
  const auto detector = make_energy_detector();
  const std::vector<float> values = probabilities(*detector, samples);
  const auto second = [&](double at) { return values[static_cast<std::size_t>(at * 16000 / VoiceDetector::kWindow)]; };
  EXPECT_LT(second(9.5), 0.5F);
  EXPECT_GT(second(10.5), 0.5F);
  EXPECT_LT(second(11.5), 0.5F);
  detector->reset();
  EXPECT_EQ(probabilities(*detector, samples), values);
}

TEST(EnergyDetector, SilenceIsNoSpeech_n) {
  const auto detector = make_energy_detector();
  for (const float value : probabilities(*detector, std::vector<float>(16000, 0.0F))) EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace liveedit::speech
