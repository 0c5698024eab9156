// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of whisperprompt that need neither GStreamer nor a model.
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "elements/whisperprompt/spoken_text.h"
#include "elements/whisperprompt/stable_prefix.h"
#include "elements/whisperprompt/utterance_finder.h"

namespace liveedit::elements {
namespace {

using Kind = UtteranceFinder::Kind;
using Happening = UtteranceFinder::Happening;
constexpr std::int64_t kWindow = UtteranceFinder::kWindow;

// Each sample tells its place.
float sample_at(std::int64_t place) {
  return std::ldexp(static_cast<float>(place), -24);
}

// Windows of these probabilities.
class FinderTest : public ::testing::Test {
 protected:
  void feed(int windows, float probability) {
    for (int i = 0; i < windows; ++i) {
      std::array<float, UtteranceFinder::kWindow> window;
      for (std::int64_t k = 0; k < kWindow; ++k) window[static_cast<std::size_t>(k)] = sample_at(finder_.now() + k);
      for (const Happening& happening : finder_.feed(window, probability, finder_.now())) {
        happenings_.push_back(happening);
        if (happening.kind == Kind::kEnded) sounds_.push_back(finder_.sound(happening.start, happening.end));
      }
    }
  }
  std::vector<Kind> kinds() const {
    std::vector<Kind> kinds;
    for (const Happening& happening : happenings_) kinds.push_back(happening.kind);
    return kinds;
  }

  UtteranceFinder finder_;
  std::vector<Happening> happenings_;
  std::vector<std::vector<float>> sounds_;
};

TEST_F(FinderTest, TellsWhatMayBeAnEndAtOnceAndTheSameWhenItIsOne) {
  feed(30, 0);
  feed(20, 0.9F);
  feed(40, 0);
  ASSERT_EQ(kinds(), (std::vector<Kind>{Kind::kStarted, Kind::kPaused, Kind::kEnded}));
  EXPECT_EQ(happenings_[1].start, happenings_[2].start);
  EXPECT_EQ(happenings_[1].end, happenings_[2].end);
  EXPECT_EQ(happenings_[2].start, 30 * kWindow - FinderSettings().pad);
  EXPECT_EQ(happenings_[2].end, 50 * kWindow + FinderSettings().pad);
  EXPECT_EQ(happenings_[2].arrival, 49 * kWindow);
  ASSERT_EQ(sounds_[0].size(), static_cast<std::size_t>(happenings_[2].end - happenings_[2].start));
  EXPECT_EQ(sounds_[0].front(), sample_at(happenings_[2].start)) << "the very samples";
  EXPECT_EQ(sounds_[0].back(), sample_at(happenings_[2].end - 1));
}

TEST_F(FinderTest, GoesOnWhereSomebodyOnlyBreathes) {
  feed(20, 0.9F);
  feed(10, 0);
  feed(20, 0.9F);
  feed(40, 0);
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::kStarted, Kind::kPaused, Kind::kResumed, Kind::kPaused, Kind::kEnded}));
  EXPECT_EQ(sounds_.size(), 1u);
}

TEST_F(FinderTest, AVoiceThatHoversAtTheThresholdIsNotChopped) {
  feed(5, 0.6F);
  for (int i = 0; i < 40; ++i) feed(1, i % 2 == 0 ? 0.4F : 0.55F);
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::kStarted}));
  feed(40, 0.1F);
  EXPECT_EQ(sounds_.size(), 1u);
}

TEST_F(FinderTest, IsCutWhereItIsQuietest) {
  FinderSettings settings;
  settings.max_segment = 100 * kWindow;
  finder_.set(settings);
  feed(80, 0.9F);
  feed(1, 0.6F);
  feed(60, 0.9F);
  feed(40, 0);
  ASSERT_EQ(sounds_.size(), 2u);
  const Happening& first = happenings_[1];
  EXPECT_EQ(first.end, 81 * kWindow);
  EXPECT_EQ(happenings_[2].kind, Kind::kStarted);
  EXPECT_EQ(happenings_[2].start, first.end) << "nothing is lost between";
  EXPECT_EQ(sounds_[1].front(), sample_at(first.end));
}

TEST_F(FinderTest, KeepsLittleWhileNobodySpeaks) {
  feed(100000, 0);
  EXPECT_GE(finder_.silent_until(), finder_.now() - FinderSettings().pad - kWindow);
  feed(2, 0.9F);
  EXPECT_LE(finder_.silent_until(), 100000 * kWindow);
}

TEST_F(FinderTest, EndsWithTheLastSamples) {
  feed(20, 0.9F);
  const std::vector<float> rest(100, 1.0F);
  const std::vector<Happening> ended = finder_.finish(rest);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end, 20 * kWindow + 100);
  finder_.reset();
  EXPECT_TRUE(finder_.finish({}).empty());
}

TEST(Words, AreLowerCaseWithoutSigns) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(words_of("  Hey, Canvas! Don't STOP."), (Words{"hey", "canvas", "don't", "stop"}));
  EXPECT_EQ(words_of("\xc3\x9c"
                     "bermut \xe2\x80\x93 8-bit"),
            (Words{"\xc3\xbc"
                   "bermut",
                   "8", "bit"}));
  EXPECT_EQ(words_of("\xe6\xb0\xb4\xe5\xbd\xa9"), (Words{"\xe6\xb0\xb4", "\xe5\xbd\xa9"}));
  EXPECT_TRUE(words_of("... \xf0\x9f\x8e\xa8 !").empty());
  EXPECT_EQ(words_of("bad \xff\xfe utf"), (Words{"bad", "utf"}));
}

TEST(Template, TakesTheTextAsOftenAsItSays) {
  EXPECT_EQ(fill_template("{text} and {text}", "A cat."), "A cat and A cat");
  EXPECT_EQ(fill_template("say {text}", "{text}!?"), "say {text}");
  EXPECT_EQ(fill_template("", "A cat."), "A cat.");
}

TEST(Sentences, AreTheWakeWordAndTheCommands) {
  TextRules rules;
  rules.commands = " undo,only me , ,";
  EXPECT_EQ(sentences_of(rules), (std::vector<std::string>{"undo", "only me"}));
  rules.wake_word = " Hey canvas ";
  EXPECT_EQ(sentences_of(rules), (std::vector<std::string>{"Hey canvas", "undo", "only me"}));
}

TEST(WakeWordTest, AloneItWakesForAWhile) {
  TextReader reader;
  TextRules rules;
  rules.wake_word = "hey canvas";
  constexpr GstClockTime s = GST_SECOND;
  EXPECT_EQ(reader.read("Neon edges", rules, 0, s).text, "");
  EXPECT_EQ(reader.read("Hey, canvas...", rules, 2 * s, 3 * s).text, "");
  EXPECT_EQ(reader.read("Neon edges.", rules, 5 * s, 6 * s).text, "Neon edges.");
  EXPECT_EQ(reader.read("Sepia.", rules, 7 * s, 8 * s).text, "") << "once";
  reader.read("Hey canvas", rules, 10 * s, 11 * s);
  EXPECT_EQ(reader.read("Sepia.", rules, 17 * s, 18 * s).text, "") << "for five seconds";
  EXPECT_EQ(reader.read("Hey Canvas: undo!", rules, 20 * s, 21 * s).command, "undo");
}

TEST(Stable, IsWhatTwoAgreeOnAndStays) {
  StablePrefix stable;
  stable.update("A photo");
  EXPECT_EQ(stable.text(), "");
  stable.update("A photo of a cut");
  EXPECT_EQ(stable.text(), "A photo");
  stable.update("a Photo of a cat on");
  EXPECT_EQ(stable.text(), "A photo of a");
  stable.update("Something else entirely");
  EXPECT_EQ(stable.text(), "A photo of a");
  stable.reset();
  stable.update("\xe6\xb0\xb4\xe5\xbd\xa9");
  stable.update("\xe6\xb0\xb4\xe5\xa2\xa8");
  EXPECT_EQ(stable.text(), "\xe6\xb0\xb4");
}

}  // namespace
}  // namespace liveedit::elements
