// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/source_gate.h"

#include <numeric>

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using streaming::SourceGate;
using Bytes = std::vector<std::uint8_t>;

void add_u32(Bytes* to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to->push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes rtp(std::uint32_t source, const std::vector<std::uint32_t>& contributors = {}, std::uint8_t type = 96) {
  Bytes packet = {static_cast<std::uint8_t>(0x80 | contributors.size()), type, 0, 1, 0, 0, 0, 0};
  add_u32(&packet, source);
  for (const std::uint32_t contributor : contributors) add_u32(&packet, contributor);
  packet.resize(packet.size() + 20);
  return packet;
}

Bytes rtcp(std::uint8_t kind, const Bytes& body, std::uint8_t count = 0) {
  Bytes packet = {static_cast<std::uint8_t>(0x80 | count), kind, 0, static_cast<std::uint8_t>(body.size() / 4)};
  packet.insert(packet.end(), body.begin(), body.end());
  return packet;
}

Bytes receiver_report(std::uint32_t source) {
  Bytes body;
  add_u32(&body, source);
  return rtcp(201, body);
}

// One chunk with one item of `type`.
Bytes description(std::uint32_t source, std::uint8_t type = 1) {
  Bytes body;
  add_u32(&body, source);
  for (const std::uint8_t byte : {type, std::uint8_t{3}, std::uint8_t{'a'}, std::uint8_t{'b'}, std::uint8_t{'c'}})
    body.push_back(byte);
  body.resize(12);
  return rtcp(202, body, 1);
}

Bytes together(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

bool from_network(SourceGate* gate, const Bytes& packet) {
  return gate->admits_datagram(packet.data(), packet.size());
}

bool decrypted(SourceGate* gate, const Bytes& packet) {
  return gate->admits_reports(packet.data(), packet.size());
}

TEST(SourceGate, TakesTheAnnouncedAndEightOthersAndNotNine) {
  SourceGate gate;
  gate.expect({7, 8}, true);
  for (std::uint32_t other = 100; other < 100 + SourceGate::kMostOthers; ++other)
    EXPECT_TRUE(from_network(&gate, rtp(other)));
  EXPECT_FALSE(from_network(&gate, rtp(99)));
  EXPECT_FALSE(from_network(&gate, receiver_report(99)));
  EXPECT_FALSE(decrypted(&gate, receiver_report(99)));
  for (const std::uint32_t known : {7, 8, 100, 107}) EXPECT_TRUE(from_network(&gate, rtp(known)));
  EXPECT_EQ(gate.sources(), 2 + SourceGate::kMostOthers);
}

TEST(SourceGate, TakesSixteenAnnouncedAndNotSeventeen) {
  std::vector<std::uint32_t> many(300);
  std::iota(many.begin(), many.end(), 1);
  SourceGate gate;
  gate.expect(many, true);
  EXPECT_EQ(gate.sources(), SourceGate::kMostAnnounced);
  for (const std::uint32_t source : many) from_network(&gate, rtp(source));
  EXPECT_EQ(gate.sources(), SourceGate::kMostSources);
}

TEST(SourceGate, CountsContributorsDescriptionsAndReportsToo) {
  SourceGate gate;
  gate.expect({7}, true);
  EXPECT_TRUE(from_network(&gate, rtp(7, {1, 2, 3})));
  EXPECT_TRUE(decrypted(&gate, together(receiver_report(7), description(4))));
  EXPECT_TRUE(decrypted(&gate, together(receiver_report(5), description(5))));
  EXPECT_EQ(gate.sources(), 6u);
  EXPECT_FALSE(from_network(&gate, rtp(7, {11, 12, 13, 14, 15})));
  EXPECT_FALSE(decrypted(&gate, together(receiver_report(7), description(16))));
  EXPECT_EQ(gate.sources(), 1 + SourceGate::kMostOthers);
}

TEST(SourceGate, PrivateDescriptionsNeverPass_n) {
  SourceGate gate;
  gate.expect({7}, true);
  EXPECT_TRUE(decrypted(&gate, together(receiver_report(7), description(7))));
  EXPECT_FALSE(decrypted(&gate, together(receiver_report(7), description(7, 8))));
}

TEST(SourceGate, WhoIsSentToSendsReportsOnly_n) {
  SourceGate gate;
  gate.expect({}, false);
  EXPECT_FALSE(from_network(&gate, rtp(7)));
  EXPECT_TRUE(from_network(&gate, receiver_report(7)));
}

TEST(SourceGate, WhatLiesAboutItsLengthIsDropped_n) {
  SourceGate gate;
  gate.expect({7}, true);
  for (const Bytes& packet : {rtp(7, {7, 7, 7}), together(receiver_report(7), description(7))}) {
    for (std::size_t size = 0; size < packet.size(); ++size) {
      const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));  // of exactly that size
      from_network(&gate, cut);
      decrypted(&gate, cut);
    }
  }
  const Bytes short_rtp = {0x8f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
  EXPECT_FALSE(from_network(&gate, short_rtp));
  Bytes extended = rtp(7);
  extended[0] |= 0x10;
  extended[14] = 0xff;
  EXPECT_FALSE(from_network(&gate, extended));
  Bytes long_report = receiver_report(7);
  long_report[3] = 9;
  EXPECT_FALSE(decrypted(&gate, long_report));
  EXPECT_EQ(gate.sources(), 1u);
}

TEST(SourceGate, DtlsPassesAndOtherProtocolsDoNot) {
  SourceGate gate;
  gate.expect({}, true);
  EXPECT_TRUE(from_network(&gate, {22, 254, 253}));
  for (const std::uint8_t first : {0, 1, 64, 127, 192, 255}) EXPECT_FALSE(from_network(&gate, Bytes(40, first)));
  EXPECT_FALSE(from_network(&gate, {}));
}

}  // namespace
}  // namespace liveedit::testing
