// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/trickle_fragment.h"

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using namespace liveedit::streaming;  // NOLINT: what is tested

int refusal(const std::string& text) {
  try {
    parse_trickle_fragment(text);
    return 0;
  } catch (const SdpError& error) {
    return error.status();
  }
}

const std::string kHead =
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
const std::string kCandidate = "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n";

TEST(TrickleFragment, ReadsTheExampleOfTheRfc) {
  const TrickleFragment fragment = parse_trickle_fragment(
      kHead + kCandidate +
      "a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0\r\n"
      "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0\r\n"
      "a=end-of-candidates\r\n");
  ASSERT_TRUE(fragment.ice);
  EXPECT_EQ(fragment.ice->ufrag, "EsAw");
  ASSERT_EQ(fragment.candidates.size(), 2u);  // TCP is not used
  EXPECT_EQ(fragment.candidates[0].mid, "0");
  EXPECT_EQ(fragment.candidates[1].candidate.address, "198.51.100.2");
  EXPECT_TRUE(fragment.end_of_candidates);
}

TEST(TrickleFragment, DropsNamesSilently) {
  EXPECT_TRUE(parse_trickle_fragment(kHead + "a=candidate:1 1 udp 2113937151 f2c53e4e.local 54628 typ host\n")
                  .candidates.empty());
}

TEST(TrickleFragment, NeedsNoCredentials) {
  EXPECT_FALSE(parse_trickle_fragment(kCandidate).ice);
}

TEST(TrickleFragment, RefusesWhatIsNoFragment_n) {
  EXPECT_EQ(refusal(""), 400);
  EXPECT_EQ(refusal("garbage"), 400);
  EXPECT_EQ(refusal(kHead + "a=candidate:garbage\r\n"), 400);
  EXPECT_EQ(refusal("a=ice-ufrag:EsAw\r\n" + kCandidate), 400);
  EXPECT_EQ(refusal("a=ice-ufrag:E\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"), 400);
  EXPECT_EQ(refusal(kHead + "a=ice-ufrag:Other\r\n"), 400);
  EXPECT_EQ(refusal(kHead + std::string("a=x:\0\r\n", 7)), 400);
}

TEST(TrickleFragment, Takes16KibAndNoByteMore_n) {
  std::string text = kHead;
  text += "a=" + std::string(kMaxFragmentBytes - text.size() - 2, 'x');
  EXPECT_EQ(refusal(text), 0);
  EXPECT_EQ(refusal(text + "x"), 413);
}

TEST(TrickleFragment, KeepsAtMost64Candidates) {
  std::string text = kHead;
  for (int i = 0; i < 70; ++i) text += kCandidate;
  EXPECT_EQ(parse_trickle_fragment(text).candidates.size(), kMaxFragmentCandidates);
}

}  // namespace
}  // namespace liveedit::testing
