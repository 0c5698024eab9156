// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/rate_limiter.h"

#include <gtest/gtest.h>

namespace liveedit::streaming::http {
namespace {

using Clock = RateLimiter::Clock;
constexpr Clock::time_point kStart{};

TEST(RateLimiter, GivesABurstAndThenARate) {
  RateLimiter limiter(0.5, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", kStart), 0);
  EXPECT_EQ(limiter.take("a", kStart), 2);
  EXPECT_EQ(limiter.take("b", kStart), 0);
  EXPECT_EQ(limiter.take("a", kStart + std::chrono::seconds(1)), 1);
  EXPECT_EQ(limiter.take("a", kStart + std::chrono::seconds(2)), 0);
  EXPECT_EQ(limiter.take("a", kStart + std::chrono::seconds(2)), 2);
}

TEST(RateLimiter, LookingTakesNothing) {
  RateLimiter limiter(1, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.look("a", kStart), 0);
  EXPECT_EQ(limiter.take("a", kStart), 0);
  EXPECT_GT(limiter.look("a", kStart), 0);
}

TEST(RateLimiter, ForgetsWhoWasThereLongestAgo) {
  RateLimiter limiter(0.001, 1);
  limiter.take("first", kStart);
  for (size_t i = 1; i < RateLimiter::kKeys; ++i) limiter.take(std::to_string(i), kStart);
  EXPECT_GT(limiter.look("first", kStart), 0) << "known with the table just full";
  limiter.take("one more", kStart);
  limiter.take("and one", kStart);
  EXPECT_GT(limiter.look("first", kStart), 0) << "it was looked at, so others went";
  EXPECT_EQ(limiter.look("1", kStart), 0);
}

TEST(ClientKey, IsAnAddressOrASubnet) {
  EXPECT_EQ(client_key("192.0.2.1"), client_key("192.0.2.1"));
  EXPECT_NE(client_key("192.0.2.1"), client_key("192.0.2.10"));
  EXPECT_EQ(client_key("2001:db8::1"), client_key("2001:db8::ffff:1"));
  EXPECT_NE(client_key("2001:db8:0:1::1"), client_key("2001:db8:0:2::1"));
}

}  // namespace
}  // namespace liveedit::streaming::http
