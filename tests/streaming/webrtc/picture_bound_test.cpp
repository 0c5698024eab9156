// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/picture_bound.h"

#include <vector>

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using streaming::CodecKind;
using streaming::PictureBound;
using Verdict = PictureBound::Verdict;
using Bytes = std::vector<std::uint8_t>;

Verdict take(PictureBound* bound, const Bytes& payload, bool marker = false) {
  return bound->take(payload.data(), payload.size(), marker);
}

const Bytes kVp8Start = {0x10, 1, 2}, kVp8More = {0x00, 1, 2}, kH264More = {0x7c, 0x01, 9};

TEST(PictureBound, TakesAPictureOf8192PacketsAndNoPacketMore_n) {
  for (const CodecKind codec : {CodecKind::kVp8, CodecKind::kH264}) {
    const Bytes& more = codec == CodecKind::kVp8 ? kVp8More : kH264More;
    PictureBound bound(codec);
    for (std::size_t i = 0; i < PictureBound::kMostPackets; ++i) ASSERT_EQ(take(&bound, more), Verdict::kPass);
    EXPECT_EQ(take(&bound, more), Verdict::kEnd);
  }
}

TEST(PictureBound, BeginsAnewWhereAPictureEnds) {
  PictureBound bound(CodecKind::kH264);
  for (int picture = 0; picture < 3; ++picture) {
    for (std::size_t i = 1; i < PictureBound::kMostPackets; ++i) ASSERT_EQ(take(&bound, kH264More), Verdict::kPass);
    ASSERT_EQ(take(&bound, kH264More, true), Verdict::kPass);
  }
}

// The packet with the marker may be lost.
TEST(PictureBound, BeginsAnewWhereAPictureOfVp8Begins) {
  PictureBound bound(CodecKind::kVp8);
  for (int picture = 0; picture < 3; ++picture) {
    ASSERT_EQ(take(&bound, kVp8Start), Verdict::kPass);
    for (std::size_t i = 1; i < PictureBound::kMostPackets; ++i) ASSERT_EQ(take(&bound, kVp8More), Verdict::kPass);
  }
}

TEST(PictureBound, ParameterSetsHaveTheNumbersThatH264Has) {
  PictureBound bound(CodecKind::kH264);
  EXPECT_EQ(take(&bound, {0x68, 0x80}), Verdict::kPass);                                // picture set 0
  EXPECT_EQ(take(&bound, {0x68, 0x00, 0x80, 0x00}), Verdict::kPass);                    // 255
  EXPECT_EQ(take(&bound, {0x68, 0x00, 0x80, 0x80}), Verdict::kDrop);                    // 256
  EXPECT_EQ(take(&bound, {0x68, 0x00, 0x00, 0x00, 0x01, 0, 0, 0, 0}), Verdict::kDrop);  // 2^31 - 1
  EXPECT_EQ(take(&bound, {0x67, 0x42, 0xe0, 0x1f, 0x04, 0x00}), Verdict::kPass);        // sequence set 31
  EXPECT_EQ(take(&bound, {0x67, 0x42, 0xe0, 0x1f, 0x04, 0x20}), Verdict::kDrop);        // 32
  EXPECT_EQ(take(&bound, {0x67, 0x42}), Verdict::kDrop);
}

TEST(PictureBound, ParameterSetsInAggregatesAndFragments_n) {
  PictureBound bound(CodecKind::kH264);
  EXPECT_EQ(take(&bound, {0x78, 0, 2, 0x68, 0x80, 0, 2, 0x65, 1}), Verdict::kPass);
  EXPECT_EQ(take(&bound, {0x78, 0, 2, 0x65, 1, 0, 4, 0x68, 0x00, 0x80, 0x80}), Verdict::kDrop);
  EXPECT_EQ(take(&bound, {0x78, 0, 2, 0x65, 1, 0xff, 0xff, 0x68, 0x00, 0x80, 0x80}), Verdict::kDrop);
  EXPECT_EQ(take(&bound, {0x7c, 0x88, 1, 2}), Verdict::kDrop);  // a picture set in fragments
  EXPECT_EQ(take(&bound, {0x7c, 0x85, 1, 2}), Verdict::kPass);  // a picture
}

TEST(PictureBound, ReadsNothingBeyondThePayload_n) {
  const Bytes units[] = {{0x67, 0x42, 0xe0, 0x1f, 0x04, 0x20},
                         {0x68, 0x00, 0x80, 0x80},
                         {0x78, 0, 2, 0x68, 0x80, 0, 9, 0x68},
                         {0x7c, 0x88}};
  for (const Bytes& unit : units) {
    PictureBound bound(CodecKind::kH264);
    for (std::size_t size = 0; size <= unit.size(); ++size) {
      const Bytes cut(unit.begin(), unit.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(take(&bound, cut), Verdict::kEnd);
    }
  }
}

TEST(Undecoded, Of4096PicturesOr32MebibytesAndNotOneMore) {
  streaming::Undecoded many, large;
  for (std::size_t i = 0; i < streaming::Undecoded::kMostPictures; ++i) ASSERT_TRUE(many.add(1));
  EXPECT_FALSE(many.add(1));
  EXPECT_TRUE(large.add(streaming::Undecoded::kMostBytes));
  EXPECT_FALSE(large.add(1));
}

TEST(Undecoded, DecodedOnesDoNotCount) {
  streaming::Undecoded undecoded;
  for (int i = 0; i < 100000; ++i) {
    ASSERT_TRUE(undecoded.add(100000));
    undecoded.decoded();
  }
  undecoded.decoded();
  EXPECT_TRUE(undecoded.add(1));
}

}  // namespace
}  // namespace liveedit::testing
