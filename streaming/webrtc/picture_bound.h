// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "streaming/webrtc/session_plan.h"

namespace liveedit::streaming {

// What one picture of a publisher may cost before it is decoded. GStreamer's depayloaders collect a picture until its
// sender says that it has ended, and keep every H.264 parameter set that has another number.
class PictureBound {
 public:
  static constexpr std::size_t kMostPackets = 8192;  // about 9 MB
  static constexpr int kMostSide = 4096;             // pixels

  explicit PictureBound(CodecKind codec) : codec_(codec) {}

  enum class Verdict { kPass, kDrop, kEnd };
  // For each RTP packet in its order: its payload, and whether it says that its picture ends. kDrop: parameter sets
  // that H.264 does not have, or larger than a packet; kEnd: a picture of more than kMostPackets.
  Verdict take(const std::uint8_t* payload, std::size_t size, bool marker);

 private:
  const CodecKind codec_;
  std::size_t packets_ = 0;  // of the picture that is being collected
};

// Pictures that went into a decoder and did not come out. GStreamer keeps those that cannot be decoded until the stream
// ends.
class Undecoded {
 public:
  static constexpr std::size_t kMostPictures = 4096;
  static constexpr std::size_t kMostBytes = 32u << 20;

  // A picture goes in. false: there are too many now.
  bool add(std::size_t bytes);
  // A picture came out.
  void decoded();

 private:
  std::size_t pictures_ = 0, bytes_ = 0, last_bytes_ = 0;
};

}  // namespace liveedit::streaming
