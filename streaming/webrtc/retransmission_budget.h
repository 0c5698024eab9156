// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include <gst/gst.h>

namespace liveedit::streaming {

// How many packets one viewer may be sent again. webrtcbin sends whatever is asked for: on a line that carries less
// than the picture needs every packet sent again pushes out another one, and lowering the bitrate of the picture would
// change nothing.
class RetransmissionBudget {
 public:
  using Clock = std::chrono::steady_clock;

  // Half of `bitrate` (bits per second: what the viewer's link is thought to carry) may be sent again, a quarter of a
  // second of it at once.
  explicit RetransmissionBudget(int bitrate);
  void set_bitrate(int bitrate);

  // May a packet be sent again now?
  bool take(Clock::time_point now);

  std::uint64_t taken() const;
  std::uint64_t refused() const;

 private:
  mutable std::mutex mutex_;
  double per_second_ = 0;  // packets
  double left_ = 0;        // packets
  Clock::time_point filled_;
  std::uint64_t taken_ = 0, refused_ = 0;
};

// What is asked of a webrtcbin that has no senders yet is granted as `budget` allows.
void limit_retransmissions(GstElement* webrtcbin, const std::shared_ptr<RetransmissionBudget>& budget);

}  // namespace liveedit::streaming
