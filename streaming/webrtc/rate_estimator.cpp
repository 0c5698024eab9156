// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/rate_estimator.h"

#include <algorithm>
#include <cmath>

namespace liveedit::streaming {
namespace {

constexpr double kHighLoss = 0.10;
constexpr double kLowLoss = 0.02;
constexpr double kGrowthPerSecond = 1.08;
constexpr double kQueueShrinkPerSecond = 0.85;
constexpr double kTried = 2;
constexpr double kQueueRoundTrip = 0.2;  // seconds above the least one seen

}  // namespace

RateEstimator::RateEstimator(const BitrateLimits& limits) : limits_(limits), bitrate_(limits.start) {}

void RateEstimator::update(double fraction_lost, double round_trip_s, double elapsed_s, double sent) {
  elapsed_s = std::clamp(elapsed_s, 0.0, 5.0);
  if (round_trip_s > 0 && (least_round_trip_s_ == 0 || round_trip_s < least_round_trip_s_))
    least_round_trip_s_ = round_trip_s;
  const bool queueing = round_trip_s > least_round_trip_s_ + kQueueRoundTrip;
  if (fraction_lost > kHighLoss) {
    bitrate_ *= 1 - 0.5 * std::min(fraction_lost, 1.0);
  } else if (queueing) {
    bitrate_ *= std::pow(kQueueShrinkPerSecond, elapsed_s);
  } else if (fraction_lost < kLowLoss && bitrate_ < kTried * sent) {
    bitrate_ *= std::pow(kGrowthPerSecond, elapsed_s);
  }
  bitrate_ = std::clamp(bitrate_, static_cast<double>(limits_.min), static_cast<double>(limits_.max));
}

int shared_bitrate(std::vector<int> estimates, int start) {
  if (estimates.empty()) return start;
  const auto chosen = estimates.begin() + static_cast<std::ptrdiff_t>(estimates.size() / 4);
  std::nth_element(estimates.begin(), chosen, estimates.end());
  return *chosen;
}

}  // namespace liveedit::streaming
