// SPDX-License-Identifier: LGPL-2.1-or-later
// What the reader of offers takes and what it refuses, and with which status.
#include "streaming/webrtc/sdp_offer.h"

#include <gtest/gtest.h>

#include "tests/streaming/webrtc/sdp_text.h"

namespace liveedit::testing {
namespace {

using namespace liveedit::streaming;  // NOLINT: what is tested

// The status an offer is refused with; 0: it is taken.
int refusal(const std::string& text) {
  try {
    parse_offer(text);
    return 0;
  } catch (const SdpError& error) {
    return error.status();
  }
}

const std::string kOffer = good_offer("recvonly");

TEST(SdpOffer, ReadsWhatStandsInIt) {
  const Offer offer = parse_offer(kOffer);
  ASSERT_EQ(offer.sections.size(), 2u);
  const MediaSection& video = offer.sections[0];
  EXPECT_EQ(video.kind, MediaKind::kVideo);
  EXPECT_EQ(video.mid, "0");
  EXPECT_EQ(video.direction, Direction::kRecvOnly);
  EXPECT_EQ(video.ice.ufrag, "2AuZ");
  EXPECT_EQ(video.fingerprint.hash, "sha-256");
  EXPECT_EQ(video.setup, Setup::kActPass);
  ASSERT_EQ(video.codecs.size(), 3u);
  EXPECT_EQ(video.codecs[0].name, "VP8");
  EXPECT_TRUE(video.codecs[0].nack && video.codecs[0].nack_pli && video.codecs[0].ccm_fir);
  EXPECT_FALSE(video.codecs[2].nack);
  EXPECT_EQ(offer.sections[1].codecs[0].channels, 2);
}

TEST(SdpOffer, TakesOffersOfRealClients) {
  for (const char* name :
       {"chromium-viewer.sdp", "chromium-viewer-max-bundle.sdp", "chromium-publisher.sdp", "aiortc-viewer.sdp"}) {
    const Offer offer = parse_offer(recorded_offer(name));
    EXPECT_GE(offer.sections.size(), 1u) << name;
    for (const MediaSection& section : offer.sections) {
      for (const Candidate& candidate : section.candidates)
        EXPECT_EQ(candidate.address.find(".local"), std::string::npos) << name;
    }
  }
}

TEST(SdpOffer, TakesLineFeedsAlone) {
  EXPECT_EQ(refusal(replaced(kOffer, "\r\n", "\n")), 0);
}

TEST(SdpOffer, TakesWhatTheSessionSaysForItsSections) {
  const std::string setup = "a=setup:actpass\r\n";
  EXPECT_EQ(refusal(replaced(replaced(kOffer, setup, ""), "t=0 0\r\n", "t=0 0\r\n" + setup)), 0);
}

TEST(SdpOffer, TakesASectionThatLivesInTheBundleOnly) {
  const std::string only = replaced(video_offer("recvonly"), "BUNDLE 0", "BUNDLE 0 1") +
                           "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=bundle-only\r\na=recvonly\r\n"
                           "a=rtpmap:111 opus/48000/2\r\n";
  const Offer offer = parse_offer(only);
  EXPECT_EQ(offer.sections[1].ice, offer.sections[0].ice);
}

TEST(SdpOffer, ASectionWithoutDirectionIsSendRecv) {
  EXPECT_EQ(parse_offer(replaced(kOffer, "a=recvonly\r\n", "")).sections[0].direction, Direction::kSendRecv);
}

TEST(SdpOffer, DropsCandidatesThatCannotBeUsed) {
  const std::string lines =
      "a=candidate:1 1 udp 2113937151 f2c53e4e-aec7-4437-94e4-dfc148a289ce.local 54628 typ host\r\n"
      "a=candidate:2 1 udp 2113937151 example.org 54628 typ host\r\n"
      "a=candidate:3 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active\r\n"
      "a=candidate:4 1 udp 2113937151 fe80::1 54628 typ host\r\n"
      "a=candidate:5 1 udp 2113937151 224.0.0.1 54628 typ host\r\n"
      "a=candidate:6 1 udp 2113937151 0.0.0.0 54628 typ host\r\n"
      "a=candidate:7 2 udp 2113937150 192.0.2.2 54629 typ host\r\n"
      "a=candidate:8 1 udp 2113937151 192.0.2.300 54628 typ host\r\n"
      "a=candidate:9 1 UDP 2113937151 192.0.2.2 54628 typ host generation 0 network-cost 999\r\n"
      "a=candidate:10 1 udp 2113937151 2001:db8::1 54628 typ srflx raddr 10.0.0.1 rport 1\r\n";
  const Offer offer = parse_offer(replaced(video_offer("recvonly"), "a=mid:0\r\n", "a=mid:0\r\n" + lines));
  ASSERT_EQ(offer.sections[0].candidates.size(), 2u);
  EXPECT_EQ(offer.sections[0].candidates[0].address, "192.0.2.2");
  EXPECT_EQ(offer.sections[0].candidates[1].address, "2001:db8::1");
}

TEST(SdpOffer, KeepsAtMost64Candidates) {
  const std::string line = "a=candidate:1 1 udp 2113937151 192.0.2.2 54628 typ host\r\n";
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += line;
  const Offer offer = parse_offer(replaced(video_offer("recvonly"), "a=mid:0\r\n", "a=mid:0\r\n" + lines));
  EXPECT_EQ(offer.sections[0].candidates.size(), kMaxSdpCandidates);
}

TEST(SdpOffer, OfSeveralFingerprintsTakesTheSha256One) {
  const std::string more = "a=fingerprint:sha-1 0F:93:C3:CA:F4:1E:65:99:C2:94:49:D5:57:B3:75:D4:A8:D8:68:56\r\n";
  const Offer offer = parse_offer(replaced(video_offer("recvonly"), "a=setup", more + "a=setup"));
  EXPECT_EQ(offer.sections[0].fingerprint.hash, "sha-256");
}

TEST(SdpOffer, RefusesWhatIsNoOffer_n) {
  EXPECT_EQ(refusal(""), 400);
  EXPECT_EQ(refusal("hello"), 400);
  EXPECT_EQ(refusal("v=0\r\n"), 400);
  EXPECT_EQ(refusal("v=1\r\n" + kOffer.substr(5)), 400);
  EXPECT_EQ(refusal(kOffer.substr(5)), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "o=- 71 2 IN IP4 127.0.0.1\r\n", "")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "t=0 0\r\n", "")), 400);
  EXPECT_EQ(refusal(kOffer + "\r\n\r\nrubbish\r\n"), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=mid:0", std::string("a=mid:0\0", 8))), 400);
  EXPECT_EQ(refusal(kOffer + "a=" + std::string(kMaxSdpLine, 'x') + "\r\n"), 400);
  EXPECT_EQ(refusal(kOffer.substr(0, kOffer.find("m="))), 400);
}

TEST(SdpOffer, TakesALineOf4096CharactersAndNot4097_n) {
  EXPECT_EQ(refusal(kOffer + "a=" + std::string(kMaxSdpLine - 2, 'x') + "\r\n"), 0);
  EXPECT_EQ(refusal(kOffer + "a=" + std::string(kMaxSdpLine - 1, 'x') + "\r\n"), 400);
}

TEST(SdpOffer, Takes64KibAndNoByteMore_n) {
  std::string text = kOffer;
  while (text.size() + 1000 < kMaxSdpBytes) text += "a=x:" + std::string(500, 'y') + "\r\n";
  text += "a=" + std::string(kMaxSdpBytes - text.size() - 4, 'z') + "\r\n";
  ASSERT_EQ(text.size(), kMaxSdpBytes);
  EXPECT_EQ(refusal(text), 0);
  EXPECT_EQ(refusal(text + "\n"), 413);
}

TEST(SdpOffer, RefusesMissingOrBrokenTransports_n) {
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-ufrag:2AuZ\r\n", "")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-pwd:A7OL4jdd2YehnXH9xrpSxeTE\r\n", "")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-ufrag:2AuZ", "a=ice-ufrag:2Au")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-ufrag:2AuZ", "a=ice-ufrag:2Au Z")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-ufrag:2AuZ", "a=ice-ufrag:" + std::string(256, 'a'))), 0);
  EXPECT_EQ(refusal(replaced(kOffer, "a=ice-ufrag:2AuZ", "a=ice-ufrag:" + std::string(257, 'a'))), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "A7OL4jdd2YehnXH9xrpSxeTE", std::string(21, 'a'))), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "A7OL4jdd2YehnXH9xrpSxeTE", std::string(22, 'a'))), 0);
  EXPECT_EQ(refusal(replaced(kOffer, "a=setup:actpass\r\n", "")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "actpass", "holdconn")), 400);
}

// CVE-2026-14935: a description without fingerprint reached GStreamer's parser.
TEST(SdpOffer, RefusesMissingOrBrokenFingerprints_n) {
  std::string bare = kOffer;
  for (std::size_t at; (at = bare.find("a=fingerprint")) != std::string::npos;)
    bare.erase(at, bare.find('\n', at) + 1 - at);
  EXPECT_EQ(refusal(bare), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F", "md9 ZZ")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F", "md5 0F")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F:", "sha-256 ")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F:93", "sha-256 0G:93")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F:93", "sha-256 0F-93")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "sha-256 0F", "SHA-256 0f")), 0);
}

TEST(SdpOffer, TakesAFingerprintOnEitherLevelAndOnBoth) {
  const std::size_t at = kOffer.find("a=fingerprint");
  const std::string line = kOffer.substr(at, kOffer.find('\n', at) + 1 - at);
  std::string bare = kOffer;
  for (std::size_t from; (from = bare.find(line)) != std::string::npos;) bare.erase(from, line.size());
  EXPECT_EQ(refusal(bare), 400);
  EXPECT_EQ(refusal(replaced(bare, "t=0 0\r\n", "t=0 0\r\n" + line)), 0);
  EXPECT_EQ(refusal(replaced(kOffer, "t=0 0\r\n", "t=0 0\r\n" + line)), 0);
}

TEST(SdpOffer, RefusesBundlesThatDoNotFit_n) {
  EXPECT_EQ(refusal(replaced(kOffer, "a=mid:0\r\n", "")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=mid:0\r\n", "a=mid:1\r\n")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "BUNDLE 0 1", "BUNDLE 0 1 7")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "BUNDLE 0 1", "BUNDLE 7")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "BUNDLE 0 1", "BUNDLE 0")), 422);
  EXPECT_EQ(refusal(replaced(kOffer, "BUNDLE 0 1", "BUNDLE")), 422);
  EXPECT_EQ(refusal(replaced(kOffer, "a=group:BUNDLE 0 1\r\n", "")), 422);
  EXPECT_EQ(refusal(replaced(kOffer, "a=rtcp-mux\r\n", "")), 422);
  EXPECT_EQ(refusal(replaced(video_offer("recvonly"), "a=group:BUNDLE 0\r\n", "")), 0);
}

TEST(SdpOffer, RefusesSectionsItCannotServe_n) {
  EXPECT_EQ(refusal(replaced(kOffer, "UDP/TLS/RTP/SAVPF 111", "RTP/AVP 111")), 422);
  EXPECT_EQ(
      refusal(replaced(kOffer, "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel")),
      422);
  EXPECT_EQ(refusal(replaced(kOffer, "m=audio 9", "m=audio 0")), 422);
  EXPECT_EQ(refusal(replaced(kOffer, "m=audio 9", "m=audio nine")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "SAVPF 111", "SAVPF")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "SAVPF 111", "SAVPF 300")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "SAVPF 111", "SAVPF 72")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "SAVPF 111", "SAVPF 111 111")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "opus/48000/2", "opus")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=mid:0\r\n", "a=mid:0\r\na=candidate:garbage\r\n")), 400);
  EXPECT_EQ(refusal(replaced(kOffer, "a=mid:0\r\n", "a=mid:0\r\na=ssrc:x cname:y\r\n")), 400);
}

TEST(SdpOffer, TakesEightSectionsAndNotNine_n) {
  const std::string section = video_offer("recvonly").substr(video_offer("recvonly").find("m="));
  const auto with = [&](int count) {
    std::string mids, text;
    for (int i = 0; i < count; ++i) {
      mids += " " + std::to_string(i);
      text += replaced(section, "a=mid:0", "a=mid:" + std::to_string(i));
    }
    return "v=0\r\no=- 71 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + mids + "\r\n" + text;
  };
  EXPECT_EQ(refusal(with(8)), 0);
  EXPECT_EQ(refusal(with(9)), 422);
}

}  // namespace
}  // namespace liveedit::testing
