// SPDX-License-Identifier: LGPL-2.1-or-later
// How the worker is shared: turns, slots.
#include <array>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "server/session/fair_turns.h"
#include "server/session/throughput.h"

namespace liveedit::server {
namespace {

// Jain's index: 1 where all have the same.
double fairness(const std::vector<double>& shares) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  const double squares = std::inner_product(shares.begin(), shares.end(), shares.begin(), 0.0);
  return sum * sum / (static_cast<double>(shares.size()) * squares);
}

// A worker that picks among those who may go as it likes: always the one whom it served last, where it can.
std::vector<double> serve(FairTurns* turns, int members, int frames, const std::vector<double>& cost) {
  std::vector<double> had(static_cast<size_t>(members));
  for (int i = 0; i < members; ++i) turns->set_busy(static_cast<uint32_t>(i), true);
  int last = 0;
  for (int frame = 0; frame < frames; ++frame) {
    int next = last;
    for (int i = 0; i < members && !turns->may_go(static_cast<uint32_t>(next), cost[static_cast<size_t>(next)]); ++i)
      next = (next + 1) % members;
    EXPECT_TRUE(turns->may_go(static_cast<uint32_t>(next), cost[static_cast<size_t>(next)])) << "nobody may go";
    turns->went(static_cast<uint32_t>(next), cost[static_cast<size_t>(next)]);
    ++had[static_cast<size_t>(next)];
    last = next;
  }
  return had;
}

TEST(FairTurns, EightEqualClientsGetTheSameNumberOfFrames) {
  FairTurns turns;
  const auto had = serve(&turns, 8, 800, std::vector<double>(8, 5));
  EXPECT_GE(fairness(had), 0.98);
  for (const double frames : had) EXPECT_NEAR(frames, 100, FairTurns::kLead);
}

TEST(FairTurns, WhoAsksForMoreWorkGetsNotMoreTime) {
  FairTurns turns;
  const auto had = serve(&turns, 2, 600, {10, 20});
  EXPECT_NEAR(had[0] / had[1], 2, 0.1);
}

TEST(FairTurns, NothingIsSavedUp) {
  FairTurns turns;
  for (int i = 0; i < 100; ++i) {
    turns.set_busy(1, true);
    ASSERT_TRUE(turns.may_go(1, 1)) << "who is alone never waits";
    turns.went(1, 1);
  }
  turns.set_busy(2, true);
  const auto frames_alone = [&] {
    int frames = 0;
    for (; frames < 50 && turns.may_go(2, 1); ++frames) turns.went(2, 1);
    return frames;
  };
  EXPECT_EQ(frames_alone(), FairTurns::kLead) << "the newcomer does not make up for what it never asked for";
}

TEST(FairTurns, WhoHasNothingToDoHoldsNobodyUp) {
  FairTurns turns;
  turns.set_busy(1, true);
  turns.set_busy(2, true);
  for (int i = 0; i < 2; ++i) turns.went(1, 1);
  EXPECT_FALSE(turns.may_go(1, 1));
  turns.set_busy(2, false);
  EXPECT_TRUE(turns.may_go(1, 1));
  turns.set_busy(2, true);
  turns.went(1, 1);
  turns.went(1, 1);
  EXPECT_FALSE(turns.may_go(1, 1));
  turns.leave(2);
  EXPECT_TRUE(turns.may_go(1, 1));
}

using Clock = Throughput::Clock;
using std::chrono::milliseconds;

TEST(Throughput, NobodyWaitsBeforeItIsKnown) {
  Throughput throughput;
  EXPECT_EQ(throughput.slots(10), std::numeric_limits<size_t>::max());
  throughput.frame_took(milliseconds(20));
  EXPECT_EQ(throughput.slots(10), 5u);
  EXPECT_EQ(throughput.slots(0), std::numeric_limits<size_t>::max());
  EXPECT_EQ(throughput.slots(100), 1u) << "one is always served";
}

TEST(Throughput, FollowsWhatIsMeasured) {
  Throughput throughput;
  throughput.frame_took(milliseconds(100));
  const Clock::time_point start{};
  uint64_t edited = 0;
  const auto run = [&](int seconds, int per_second, bool busy, bool full) {
    for (int i = 0; i < 4 * seconds; ++i) {
      static int ticks = 0;
      edited += static_cast<uint64_t>(per_second / 4);
      throughput.look(edited, busy, full, start + milliseconds(250) * ++ticks);
    }
  };
  run(10, 40, true, false);
  EXPECT_NEAR(throughput.frames_per_second(), 40, 8) << "frames side by side are faster than one alone";
  run(20, 4, true, false);
  EXPECT_GT(throughput.frames_per_second(), 30) << "few frames are asked for: nothing is learnt";
  run(20, 40, false, false);
  run(40, 20, true, true);
  EXPECT_NEAR(throughput.frames_per_second(), 20, 4) << "everybody waits: it has become slower";
}

}  // namespace
}  // namespace liveedit::server
