// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules for tokens and the ways of decoding, on a network whose logits the tests choose.
#include "core/speech/decoding.h"

#include <cmath>
#include <limits>
#include <map>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/speech/compression.h"
#include "core/speech/languages.h"

namespace liveedit::speech {
namespace {

// Words 0..9, end 10, start 11, previous 12, no-speech 13, no-timestamps 14, timestamps 15..19.
GenerationSettings small_settings() {
  GenerationSettings settings;
  settings.vocabulary = 20;
  settings.end = 10;
  settings.start = 11;
  settings.previous = 12;
  settings.no_speech = 13;
  settings.no_timestamps = 14;
  settings.suppress = {3};
  settings.begin_suppress = {4, 10};
  settings.max_initial_timestamp = 2;
  return settings;
}

std::vector<std::int64_t> allowed_after(const std::vector<std::int64_t>& text, bool timestamps,
                                        std::vector<float> logits = std::vector<float>(20, 0.0F)) {
  const GenerationSettings settings = small_settings();
  TokenRules(settings, timestamps).apply(text, logits);
  std::vector<std::int64_t> allowed;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) allowed.push_back(static_cast<std::int64_t>(i));
  }
  return allowed;
}

std::vector<std::int64_t> range(std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = begin; i < end; ++i) values.push_back(i);
  return values;
}

TEST(TokenRules, SuppressListsHold) {
  EXPECT_EQ(allowed_after({}, false),
            (std::vector<std::int64_t>{0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19}));
  EXPECT_EQ(allowed_after({0}, false),
            (std::vector<std::int64_t>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}));
}

TEST(TokenRules, TextBeginsWithAnEarlyTimestamp) {
  EXPECT_EQ(allowed_after({}, true), range(15, 18));
}

TEST(TokenRules, TimestampsComeInPairs) {
  std::vector<float> words_likely(20, 0.0F);
  for (std::size_t i = 0; i < 10; ++i) words_likely[i] = 9;
  // After the first: no further one. After a word: words, or a later timestamp.
  EXPECT_EQ(allowed_after({15}, true, words_likely),
            (std::vector<std::int64_t>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
  EXPECT_EQ(allowed_after({15, 1}, true, words_likely),
            (std::vector<std::int64_t>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19}));
  // After the one that closes: the end or the next pair's first, which may be the same.
  std::vector<float> end_likely(20, 0.0F);
  end_likely[10] = 9;
  EXPECT_EQ(allowed_after({15, 1, 17}, true, end_likely), (std::vector<std::int64_t>{10, 11, 12, 13, 17, 18, 19}));
}

TEST(TokenRules, TimestampsTogetherLikelierThanAnyWordAreTaken) {
  std::vector<float> logits(20, 0.0F);
  logits[1] = 1;  // e^1 is less than the four timestamps' 4 e^0
  EXPECT_EQ(allowed_after({15, 1}, true, logits), range(16, 20));
  logits[1] = 2;
  EXPECT_EQ(allowed_after({15, 1}, true, logits).front(), 0);
}

// Gives the same logits after a token each time, and remembers what was asked of it.
class ChosenNetwork final : public SpeechNetwork {
 public:
  explicit ChosenNetwork(std::map<std::int64_t, std::vector<float>> after) : after_(std::move(after)) {}

  void listen(const at::Tensor&) override { length_ = 0; }
  at::Tensor write(const at::Tensor& tokens, const std::vector<std::int64_t>&) override {
    rows_ = tokens.size(0);
    length_ += tokens.size(1);
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < rows_; ++i) rows.push_back(logits_after(tokens[i][-1].item<std::int64_t>()));
    return at::stack(rows).unsqueeze(1);
  }
  void take_rows(const std::vector<std::int64_t>& rows) override {
    rows_ = static_cast<std::int64_t>(rows.size());
    most_rows = std::max(most_rows, rows_);
  }
  void rewind(std::int64_t length) override { length_ = length; }
  std::int64_t length() const override { return length_; }

  at::Tensor logits_after(std::int64_t token) const { return at::tensor(after_.at(token)); }

  std::int64_t most_rows = 1;

 private:
  std::map<std::int64_t, std::vector<float>> after_;
  std::int64_t length_ = 0;
  std::int64_t rows_ = 1;
};

// log-probabilities for some tokens, next to nothing for the others.
std::vector<float> likely(const std::map<std::size_t, double>& probabilities) {
  std::vector<float> logits(20, -30.0F);
  for (const auto& [token, probability] : probabilities) logits[token] = static_cast<float>(std::log(probability));
  return logits;
}

// The likeliest first word, 0, leads to poor ends; 1 leads to a certain one.
std::map<std::int64_t, std::vector<float>> garden_path() {
  std::map<std::int64_t, std::vector<float>> after;
  after[11] = likely({{0, 0.6}, {1, 0.4}});
  after[0] = likely({{5, 0.34}, {6, 0.28}, {7, 0.28}, {10, 0.1}});
  after[1] = likely({{10, 0.98}, {5, 0.02}});
  after[5] = likely({{10, 0.6}, {6, 0.4}});
  after[6] = likely({{10, 0.6}, {7, 0.4}});
  after[7] = likely({{10, 0.6}, {5, 0.4}});
  after[10] = likely({});  // a row that has ended is written on while others have not
  return after;
}

class Decoding : public testing::Test {
 protected:
  c10::InferenceMode inference_;
  GenerationSettings settings_ = small_settings();
  TokenRules rules_{settings_, false};
  ChosenNetwork network_{garden_path()};
  at::Tensor first_ = network_.logits_after(11);
};

TEST_F(Decoding, GreedyTakesTheLikeliestWordEachTime) {
  const WrittenText text = write_greedily(network_, settings_, rules_, first_, {});
  EXPECT_EQ(text.tokens, (std::vector<std::int64_t>{0, 5}));
  EXPECT_TRUE(text.ended);
  EXPECT_NEAR(text.mean_logprob(), (std::log(0.6) + std::log(0.34) + std::log(0.6)) / 3, 1e-5);
}

TEST_F(Decoding, BeamsFindTheLikeliestText) {
  const WrittenText text = write_by_beams(network_, settings_, rules_, first_, {}, {2, 1});
  EXPECT_EQ(text.tokens, (std::vector<std::int64_t>{1}));
  EXPECT_TRUE(text.ended);
  EXPECT_NEAR(text.sum_logprob, std::log(0.4) + std::log(0.98), 1e-5);
  EXPECT_EQ(network_.most_rows, 2);
}

TEST_F(Decoding, LimitsEndEveryWay_n) {
  WritingLimits limits;
  limits.most_tokens = 1;
  for (const WrittenText& text : {write_greedily(network_, settings_, rules_, first_, limits),
                                  write_sampled(network_, settings_, rules_, first_, limits, 1, 3, 1),
                                  write_by_beams(network_, settings_, rules_, first_, limits, {2, 1})}) {
    EXPECT_EQ(text.tokens.size(), 1U);
    EXPECT_FALSE(text.ended);
  }
  limits.most_tokens = 100;
  limits.stopped = [] { return true; };
  EXPECT_TRUE(write_greedily(network_, settings_, rules_, first_, limits).tokens.empty());
  EXPECT_LE(write_by_beams(network_, settings_, rules_, first_, limits, {2, 1}).tokens.size(), 1U);
}

TEST_F(Decoding, SamplesFollowTheirSeedAndTheirProbabilities) {
  const auto first_word = [&](double temperature, std::uint64_t seed) {
    WritingLimits limits;
    limits.most_tokens = 1;
    return write_sampled(network_, settings_, rules_, first_, limits, temperature, 1, seed).tokens.front();
  };
  int zeros = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const std::int64_t word = first_word(1, seed);
    EXPECT_EQ(word, first_word(1, seed));
    EXPECT_TRUE(word == 0 || word == 1);
    zeros += word == 0 ? 1 : 0;
  }
  EXPECT_NEAR(zeros / 400.0, 0.6, 0.1);
  for (std::uint64_t seed = 0; seed < 50; ++seed) EXPECT_EQ(first_word(0.02, seed), 0);
}

TEST_F(Decoding, OfSeveralSamplesTheLikeliestIsGiven) {
  double best = -std::numeric_limits<double>::infinity();
  const WrittenText text = write_sampled(network_, settings_, rules_, first_, {}, 1, 8, 3);
  for (int i = 0; i < 40; ++i) {
    best = std::max(best, write_sampled(network_, settings_, rules_, first_, {}, 1, 1, 100 + i).mean_logprob());
  }
  EXPECT_GE(text.mean_logprob(), best - 0.7);
  EXPECT_EQ(network_.most_rows, 8);
}

TEST(CompressionRatio, TellsRepetitionFromText) {
  EXPECT_EQ(compression_ratio(""), 0);
  EXPECT_LT(compression_ratio("Ask not what your country can do for you."), 1.5);
  std::string again;
  for (int i = 0; i < 20; ++i) again += " thank you very much";
  EXPECT_GT(compression_ratio(again), 2.4);
}

TEST(Languages, NamesAndCodesGiveCodes) {
  EXPECT_EQ(language_code("German"), "de");
  EXPECT_EQ(language_code("haitian creole"), "ht");
  EXPECT_EQ(language_code("mandarin"), "zh");
  EXPECT_EQ(language_code("EN"), "en");
  EXPECT_EQ(language_code("klingon"), "klingon");
}

}  // namespace
}  // namespace liveedit::speech
