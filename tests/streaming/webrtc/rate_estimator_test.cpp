// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/rate_estimator.h"

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using streaming::BitrateLimits;
using streaming::RateEstimator;
using streaming::shared_bitrate;

constexpr BitrateLimits kLimits{100'000, 1'000'000, 4'000'000};
constexpr double kMuch = 1e9;  // sent

TEST(RateEstimator, BeginsAtTheStart) {
  EXPECT_EQ(RateEstimator(kLimits).bitrate(), 1'000'000);
}

TEST(RateEstimator, AGoodLinkRaisesItToTheGreatest) {
  RateEstimator estimator(kLimits);
  estimator.update(0, 0.02, 1, kMuch);
  EXPECT_GT(estimator.bitrate(), 1'000'000);
  for (int i = 0; i < 60; ++i) estimator.update(0, 0.02, 1, kMuch);
  EXPECT_EQ(estimator.bitrate(), 4'000'000);
}

TEST(RateEstimator, LossLowersItToTheLeast) {
  RateEstimator estimator(kLimits);
  estimator.update(0.5, 0.02, 1, kMuch);
  EXPECT_EQ(estimator.bitrate(), 750'000);
  for (int i = 0; i < 60; ++i) estimator.update(0.5, 0.02, 1, kMuch);
  EXPECT_EQ(estimator.bitrate(), 100'000);
}

TEST(RateEstimator, ALittleLossLeavesIt) {
  RateEstimator estimator(kLimits);
  estimator.update(0.05, 0.02, 1, kMuch);
  EXPECT_EQ(estimator.bitrate(), 1'000'000);
}

TEST(RateEstimator, AGrownRoundTripLowersIt) {
  RateEstimator estimator(kLimits);
  estimator.update(0.05, 0.02, 1, kMuch);
  estimator.update(0, 0.5, 1, kMuch);
  EXPECT_LT(estimator.bitrate(), 1'000'000);
}

TEST(RateEstimator, ALinkThatIsAlwaysSlowIsNotTakenForAFullOne) {
  RateEstimator estimator(kLimits);
  for (int i = 0; i < 3; ++i) estimator.update(0, 0.6, 1, kMuch);
  EXPECT_GT(estimator.bitrate(), 1'000'000);
}

TEST(RateEstimator, WhatWasNeverTriedIsNotBelieved) {
  RateEstimator estimator(kLimits);
  for (int i = 0; i < 60; ++i) estimator.update(0, 0.02, 1, 800'000);
  EXPECT_GE(estimator.bitrate(), 1'600'000);
  EXPECT_LT(estimator.bitrate(), 1'800'000);
  for (int i = 0; i < 60; ++i) estimator.update(0, 0.02, 1, 0);  // a picture that stands still takes nothing away
  EXPECT_GE(estimator.bitrate(), 1'600'000);
}

TEST(RateEstimator, NoReportsForLongDoNotMakeItJump) {
  RateEstimator estimator(kLimits);
  estimator.update(0, 0.02, 1000, kMuch);
  EXPECT_LT(estimator.bitrate(), 1'500'000);
}

TEST(SharedBitrate, FollowsTheSlowest) {
  EXPECT_EQ(shared_bitrate({}, 7), 7);
  EXPECT_EQ(shared_bitrate({500}, 7), 500);
  EXPECT_EQ(shared_bitrate({900, 500, 700}, 7), 500);
}

TEST(SharedBitrate, ButNotTheSlowestQuarterOfACrowd) {
  EXPECT_EQ(shared_bitrate({900, 100, 700, 800}, 7), 700);
  EXPECT_EQ(shared_bitrate({900, 100, 700, 800, 200, 850, 860, 870}, 7), 700);
}

}  // namespace
}  // namespace liveedit::testing
