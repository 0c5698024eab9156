// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/log_mel.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/unit/speech/speech_golden.h"

namespace liveedit::speech {
namespace {

using test::max_difference;

TEST(LogMel, FiltersAreTheReferences) {
  const auto filters = test::read_tensors(test::golden_folder("whisper") / "filters.safetensors");
  for (const std::int64_t bins : {80, 128}) {
    EXPECT_LT(max_difference(mel_filters(bins), filters.at(std::to_string(bins))), 1e-8) << bins;
  }
}

class LogMelGolden : public testing::TestWithParam<const char*> {};

TEST_P(LogMelGolden, PictureIsTheReferences) {
  const test::SpeechGolden golden(GetParam());
  const at::Tensor& mel = golden.values.at("mel");
  const LogMel log_mel(mel.size(0));
  EXPECT_LT(max_difference(log_mel(golden.samples(), LogMel::kWindowFrames), mel), 1e-4);
}

TEST_P(LogMelGolden, FewFramesAreTheFirstOfAll) {
  const test::SpeechGolden golden(GetParam());
  const LogMel log_mel(golden.values.at("mel").size(0));
  const at::Tensor whole = log_mel(golden.samples(), LogMel::kWindowFrames);
  for (const std::int64_t frames : {1, 100, 700, 2999}) {
    EXPECT_EQ(max_difference(log_mel(golden.samples(), frames), whole.narrow(1, 0, frames).contiguous()), 0) << frames;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LogMelGolden, testing::Values("english", "multilingual"));

TEST(LogMel, WholeWindowOfSoundMirrorsItsEnd) {
  // 30 s and 31 s of the same noise look the same: what comes after the window is not read.
  std::vector<float> samples(31 * 16000);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = std::sin(0.1F * static_cast<float>(i * i % 1000));
  const LogMel log_mel(80);
  const at::Tensor longer = log_mel(samples, LogMel::kWindowFrames);
  samples.resize(30 * 16000);
  EXPECT_EQ(max_difference(log_mel(samples, LogMel::kWindowFrames), longer), 0);
  EXPECT_TRUE(at::isfinite(longer).all().item<bool>());
}

TEST(LogMel, ValuesThatAreNotFiniteAreSilence_n) {
  std::vector<float> broken(16000, 0.0F);
  broken[5000] = std::numeric_limits<float>::infinity();
  broken[6000] = std::numeric_limits<float>::quiet_NaN();
  const LogMel log_mel(80);
  EXPECT_EQ(max_difference(log_mel(broken, 300), log_mel(std::vector<float>(16000, 0.0F), 300)), 0);
}

}  // namespace
}  // namespace liveedit::speech
