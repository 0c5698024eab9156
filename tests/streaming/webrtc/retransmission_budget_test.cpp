// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/retransmission_budget.h"

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using std::chrono::milliseconds;
using streaming::RetransmissionBudget;

constexpr int kHundredPackets = 2 * 100 * 8 * 1200;  // bits per second: half of it is 100 packets a second

int take_all(RetransmissionBudget* budget, RetransmissionBudget::Clock::time_point now, int asked) {
  int taken = 0;
  for (int i = 0; i < asked; ++i) taken += budget->take(now);
  return taken;
}

TEST(RetransmissionBudget, AQuarterOfASecondAtOnce) {
  RetransmissionBudget budget(kHundredPackets);
  const auto now = RetransmissionBudget::Clock::now();
  EXPECT_EQ(take_all(&budget, now, 1000), 25);
  EXPECT_EQ(budget.taken(), 25u);
  EXPECT_EQ(budget.refused(), 975u);
}

TEST(RetransmissionBudget, ComesBackWithTime) {
  RetransmissionBudget budget(kHundredPackets);
  const auto now = RetransmissionBudget::Clock::now();
  take_all(&budget, now, 1000);
  EXPECT_EQ(take_all(&budget, now + milliseconds(105), 1000), 10);
  EXPECT_EQ(take_all(&budget, now, 1000), 0);  // from another thread, a moment late
  EXPECT_EQ(take_all(&budget, now + std::chrono::hours(1), 1000), 25);
}

TEST(RetransmissionBudget, FollowsTheBitrate) {
  RetransmissionBudget budget(kHundredPackets);
  const auto now = RetransmissionBudget::Clock::now();
  take_all(&budget, now, 1000);
  budget.set_bitrate(2 * kHundredPackets);
  EXPECT_EQ(take_all(&budget, now + milliseconds(102), 1000), 20);
  budget.set_bitrate(0);
  EXPECT_EQ(take_all(&budget, now + milliseconds(1202), 1000), 5);
}

}  // namespace
}  // namespace liveedit::testing
