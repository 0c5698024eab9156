// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include <gst/gst.h>

namespace liveedit::streaming {

// What the peer said about what we sent it, from its last RTCP report.
struct PeerReport {
  bool known = false;        // has it reported yet?
  std::uint64_t stamp = 0;   // another one: a new report
  double fraction_lost = 0;  // 0 to 1, since its report before; of the stream that lost most
  double round_trip_s = 0;  // seconds, by the last sender report that has reached it; 0: there is none of the last 10 s
  std::uint64_t packets_lost = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_sent = 0;
};

// `stats` is the property of that name of an RTPSession (GstRtpBin's "application/x-rtp-session-stats").
PeerReport report_of(const GstStructure* stats);

}  // namespace liveedit::streaming
