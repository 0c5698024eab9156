// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/picture_bound.h"

namespace liveedit::streaming {
namespace {

constexpr unsigned kSequenceSet = 7, kPictureSet = 8;  // types of NAL units, ITU-T H.264 table 7-1
constexpr unsigned kAggregateA = 24, kAggregateB = 25, kFragmentA = 28, kFragmentB = 29;  // RFC 6184 5.2
constexpr std::size_t kSequenceSets = 32, kPictureSets = 256;

// The unsigned Exp-Golomb number at the beginning of `data`, if it is below `end`.
bool begins_below(const std::uint8_t* data, std::size_t size, std::size_t end) {
  std::size_t at = 0;
  const auto bit = [&] { return (data[at / 8] >> (7 - at % 8)) & 1; };
  while (at < 8 * size && bit() == 0) ++at;
  const std::size_t zeros = at;
  if (zeros > 16 || 2 * zeros + 1 > 8 * size) return false;
  std::size_t value = 0;
  for (; at < 2 * zeros + 1; ++at) value = 2 * value + static_cast<std::size_t>(bit());
  return value - 1 < end;
}

// A sequence set begins with three bytes of profile and level, then both with their number.
bool possible(const std::uint8_t* unit, std::size_t size) {
  if (size == 0) return true;
  const unsigned type = unit[0] & 0x1f;
  if (type == kSequenceSet) return size > 4 && begins_below(unit + 4, size - 4, kSequenceSets);
  if (type == kPictureSet) return size > 1 && begins_below(unit + 1, size - 1, kPictureSets);
  return true;
}

bool possible_packet(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return true;
  const unsigned type = data[0] & 0x1f;
  if (type == kFragmentA || type == kFragmentB) {
    const unsigned fragmented = size > 1 ? data[1] & 0x1f : kSequenceSet;
    return fragmented != kSequenceSet && fragmented != kPictureSet;
  }
  if (type != kAggregateA && type != kAggregateB) return possible(data, size);
  std::size_t at = type == kAggregateA ? 1 : 3;
  while (at + 2 < size) {
    const std::size_t claimed = std::size_t{data[at]} << 8 | data[at + 1];
    at += 2;
    const std::size_t length = claimed < size - at ? claimed : size - at;
    if (!possible(data + at, length)) return false;
    at += length;
  }
  return true;
}

}  // namespace

PictureBound::Verdict PictureBound::take(const std::uint8_t* payload, std::size_t size, bool marker) {
  if (codec_ == CodecKind::kH264 && !possible_packet(payload, size)) return Verdict::kDrop;
  // A new picture of VP8 (RFC 7741 4.2: the first partition starts) takes the place of one that was not ended.
  if (codec_ == CodecKind::kVp8 && size > 0 && (payload[0] & 0x17) == 0x10) packets_ = 0;
  if (++packets_ > kMostPackets) return Verdict::kEnd;
  if (marker) packets_ = 0;
  return Verdict::kPass;
}

bool Undecoded::add(std::size_t bytes) {
  ++pictures_;
  bytes_ += bytes;
  last_bytes_ = bytes;
  return pictures_ <= kMostPictures && bytes_ <= kMostBytes;
}

// It is taken for the last one: decoders that hold some back differ by those few.
void Undecoded::decoded() {
  if (pictures_ > 0) --pictures_;
  bytes_ -= last_bytes_ < bytes_ ? last_bytes_ : bytes_;
}

}  // namespace liveedit::streaming
