// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace liveedit::streaming {

struct BitrateLimits {
  int min = 0;  // bits per second
  int start = 0;
  int max = 0;
};

// What one viewer's link seems to carry, from the loss and the round-trip time it reports: loss above a tenth or a
// round trip that has grown by a fifth of a second (a queue is filling up) lowers the estimate, none of both raises it,
// up to twice what was tried. The loss rule is that of draft-ietf-rmcat-gcc-02, 6.
class RateEstimator {
 public:
  explicit RateEstimator(const BitrateLimits& limits);

  // One report: loss 0 to 1 since the one before; round trip in seconds, 0: unknown; `elapsed_s` since the one before;
  // what was sent in that time, bits per second.
  void update(double fraction_lost, double round_trip_s, double elapsed_s, double sent);
  int bitrate() const { return static_cast<int>(bitrate_); }

 private:
  BitrateLimits limits_;
  double bitrate_;
  double least_round_trip_s_ = 0;
};

// The bitrate of a picture that many watch: as low as the slower of them need it, but the slowest quarter (rounded
// down) does not count, so that one bad link in a crowd does not spoil the picture of all. `start` where nobody has an
// estimate.
int shared_bitrate(std::vector<int> estimates, int start);

}  // namespace liveedit::streaming
