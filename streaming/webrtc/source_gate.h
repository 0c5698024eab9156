// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <gst/gst.h>

namespace liveedit::streaming {

// Which sources (SSRCs) of its peer a session hears of. GStreamer keeps each one for as long as the session lives: a
// decryption stream of 24 kB, made before the packet is even authenticated; a source in the RTP session; for one that
// sends or reports, a jitter buffer with threads and descriptors of its own. So the gate stands before all of them and
// lets in those that the offer named, and as many others as an honest peer could need. Thread-safe.
class SourceGate {
 public:
  static constexpr std::size_t kMostAnnounced = 16;
  static constexpr std::size_t kMostOthers = 8;
  static constexpr std::size_t kMostSources = kMostAnnounced + kMostOthers;

  // The sources of the offer; of more than kMostAnnounced the first ones. `receiving`: the peer sends us media;
  // otherwise RTP of it is dropped altogether.
  void expect(const std::vector<std::uint32_t>& announced, bool receiving);

  // May a datagram of the peer go on, as it came from the network? DTLS may; SRTP and SRTCP where their sources may.
  // What is neither is dropped.
  bool admits_datagram(const std::uint8_t* data, std::size_t size);
  // May a compound RTCP packet go on, decrypted? Its reports and descriptions (SDES) are of known sources, and it has
  // no private descriptions: GStreamer interns their names, for ever.
  bool admits_reports(const std::uint8_t* data, std::size_t size);

  std::size_t sources() const;

 private:
  bool admits(std::uint32_t source);  // mutex_
  bool admits_rtp(const std::uint8_t* data, std::size_t size);
  bool admits_descriptions(const std::uint8_t* data, std::size_t size, unsigned count);

  mutable std::mutex mutex_;
  std::vector<std::uint32_t> known_;  // mutex_
  std::size_t others_ = 0;            // mutex_
  bool receiving_ = false;            // mutex_
};

// Puts `gate` before whatever a webrtcbin without transports will receive by.
void guard_sources(GstElement* webrtcbin, const std::shared_ptr<SourceGate>& gate);

}  // namespace liveedit::streaming
