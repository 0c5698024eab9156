// SPDX-License-Identifier: LGPL-2.1-or-later
// From an offer to what webrtcbin gets and what the client gets back.
#include "streaming/webrtc/session_plan.h"

#include <gtest/gtest.h>

#include "tests/streaming/webrtc/sdp_text.h"

namespace liveedit::testing {
namespace {

using namespace liveedit::streaming;  // NOLINT: what is tested

const ServedMedia kEverything{{CodecKind::kVp8, CodecKind::kH264}, true};

SessionPlan viewer(const std::string& offer, const ServedMedia& served = kEverything) {
  return plan_viewer(parse_offer(offer), served);
}

int viewer_refusal(const std::string& offer, const ServedMedia& served = kEverything) {
  try {
    viewer(offer, served);
    return 0;
  } catch (const SdpError& error) {
    return error.status();
  }
}

int publisher_refusal(const std::string& offer) {
  try {
    plan_publisher(parse_offer(offer));
    return 0;
  } catch (const SdpError& error) {
    return error.status();
  }
}

// What webrtcbin answers an offer of these directions with.
std::string webrtcbin_answer(const std::string& direction, int sections) {
  std::string text = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
  for (int i = 0; i < sections; ++i) {
    text += "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=ice-ufrag:ufrag\r\na=ice-pwd:pwdpwdpwdpwdpwdpwdpwdpwd\r\na=" +
            direction +
            "\r\na=setup:active\r\na=framerate:15\r\na=fingerprint:sha-256 AA:BB\r\n"
            "a=ssrc-group:FID 5 6\r\na=ssrc:5 msid:x y\r\na=ssrc:5 cname:me\r\na=ssrc:6 cname:me\r\n"
            "a=candidate:1 1 UDP 2015363327 192.0.2.2 41066 typ host\r\n"
            "a=candidate:2 1 TCP 1015021823 192.0.2.2 9 typ host tcptype active\r\n"
            "a=candidate:3 1 UDP 2015363583 fe80::1 36160 typ host\r\n";
  }
  return text;
}

TEST(ViewerPlan, TakesTheFirstCodecOfTheOffer) {
  const SessionPlan plan = viewer(good_offer("recvonly"));
  EXPECT_EQ(plan.sections[0].codec, CodecKind::kVp8);
  EXPECT_EQ(plan.sections[0].offered.payload_type, 96);
  EXPECT_EQ(plan.sections[0].retransmission_type, 97);
  EXPECT_EQ(plan.sections[1].codec, CodecKind::kOpus);
}

TEST(ViewerPlan, TakesH264WhereTheViewerListsItFirst) {
  const SessionPlan plan = viewer(replaced(good_offer("recvonly"), "SAVPF 96 97 108", "SAVPF 108 96 97"));
  EXPECT_EQ(plan.sections[0].codec, CodecKind::kH264);
  EXPECT_EQ(plan.sections[0].retransmission_type, std::nullopt);
}

TEST(ViewerPlan, TakesThePayloadTypesOfTheOffer) {
  std::string offer = replaced(good_offer("recvonly"), "SAVPF 96", "SAVPF 120");
  offer =
      replaced(replaced(replaced(offer, "rtpmap:96", "rtpmap:120"), "rtcp-fb:96", "rtcp-fb:120"), "apt=96", "apt=120");
  const SessionPlan plan = viewer(offer);
  EXPECT_EQ(plan.sections[0].offered.payload_type, 120);
  EXPECT_NE(offer_for_webrtcbin(plan).find("m=video 9 UDP/TLS/RTP/SAVPF 120 97\r\n"), std::string::npos);
}

TEST(ViewerPlan, PrefersConstrainedBaselineInChromiumsOffer) {
  const SessionPlan plan = viewer(recorded_offer("chromium-viewer.sdp"), {{CodecKind::kH264}, false});
  EXPECT_NE(plan.sections[0].offered.fmtp.find("profile-level-id=42e01f"), std::string::npos);
  EXPECT_NE(plan.sections[0].offered.fmtp.find("packetization-mode=1"), std::string::npos);
  EXPECT_FALSE(plan.sections[1].active);
}

TEST(ViewerPlan, WhatIsNotServedBecomesInactive) {
  const SessionPlan plan = viewer(good_offer("sendrecv"), {{CodecKind::kVp8}, false});
  EXPECT_TRUE(plan.sections[0].active);
  EXPECT_FALSE(plan.sections[1].active);
  EXPECT_EQ(offer_for_webrtcbin(plan).find("m=audio"), std::string::npos);
}

TEST(ViewerPlan, RefusesWhatItCannotServe_n) {
  const std::string offer = good_offer("recvonly");
  EXPECT_EQ(viewer_refusal(good_offer("sendonly")), 422);
  EXPECT_EQ(viewer_refusal(good_offer("inactive")), 422);
  EXPECT_EQ(viewer_refusal(replaced(replaced(offer, "VP8", "VP9"), "H264", "H265")), 422);
  EXPECT_EQ(
      viewer_refusal(replaced(video_offer("recvonly"), "SAVPF 96 97 108", "SAVPF 108"), {{CodecKind::kVp8}, true}),
      422);
  EXPECT_EQ(viewer_refusal(replaced(replaced(offer, "VP8", "VP9"), "packetization-mode=1", "packetization-mode=0")),
            422);
  EXPECT_EQ(viewer_refusal(replaced(replaced(offer, "VP8", "VP9"), "42e01f", "640c1f")), 422);
  EXPECT_EQ(viewer_refusal(replaced(offer, "opus", "PCMU")), 422);
  EXPECT_EQ(viewer_refusal(replaced(replaced(offer, "SAVPF 111", "SAVPF 96"), ":111 ", ":96 ")), 422);
  const std::string twice = replaced(offer, "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 111");
  EXPECT_EQ(viewer_refusal(twice), 422);
}

TEST(ViewerPlan, WebrtcbinGetsOneCodecAndReceivesNothing) {
  const std::string text = offer_for_webrtcbin(viewer(good_offer("sendrecv")));
  EXPECT_EQ(text.find("H264"), std::string::npos);
  EXPECT_EQ(text.find("sendrecv"), std::string::npos);
  EXPECT_NE(text.find("a=recvonly"), std::string::npos);
  EXPECT_EQ(parse_offer(text).sections.size(), 2u);
}

TEST(ViewerAnswer, HasWhatTheStandardsAsk) {
  const SessionPlan plan = viewer(good_offer("recvonly"), {{CodecKind::kVp8}, false});
  const std::string answer = compose_answer(plan, webrtcbin_answer("sendonly", 1));
  for (const char* line :
       {"a=group:BUNDLE 0 1\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", "a=sendonly\r\n", "a=rtcp-mux-only\r\n",
        "a=msid:liveedit video\r\n", "a=mid:0\r\n", "a=setup:active\r\n", "a=ssrc-group:FID 5 6\r\n",
        "a=rtcp-fb:96 nack pli\r\n", "a=candidate:1 1 UDP 2015363327 192.0.2.2 41066 typ host\r\n",
        "a=end-of-candidates\r\n", "a=inactive\r\n", "a=mid:1\r\n"})
    EXPECT_NE(answer.find(line), std::string::npos) << line;
  for (const char* text : {"fe80", "TCP", "framerate", "H264", "sendrecv"})
    EXPECT_EQ(answer.find(text), std::string::npos) << text;
}

// webrtcbin calls an answer a success that sends nothing.
TEST(ViewerAnswer, IsNoneWhereWebrtcbinDoesNotSend_n) {
  const SessionPlan plan = viewer(video_offer("recvonly"));
  EXPECT_ANY_THROW(compose_answer(plan, webrtcbin_answer("inactive", 1)));
  EXPECT_ANY_THROW(compose_answer(plan, webrtcbin_answer("sendrecv", 1)));
  EXPECT_ANY_THROW(compose_answer(plan, webrtcbin_answer("sendonly", 2)));
  EXPECT_ANY_THROW(compose_answer(plan, replaced(webrtcbin_answer("sendonly", 1), "m=video 9", "m=video 0")));
  EXPECT_ANY_THROW(compose_answer(plan, ""));
}

TEST(PublisherPlan, TakesVideoAndAudio) {
  const SessionPlan plan = plan_publisher(parse_offer(good_offer("sendonly")));
  EXPECT_TRUE(plan.receiving);
  EXPECT_EQ(plan.active().size(), 2u);
  const std::string answer = compose_answer(plan, webrtcbin_answer("recvonly", 2));
  EXPECT_NE(answer.find("a=recvonly"), std::string::npos);
  EXPECT_EQ(answer.find("a=ssrc"), std::string::npos);
  EXPECT_EQ(publisher_refusal(good_offer("sendrecv")), 0);
}

TEST(PublisherPlan, TakesAllOrNothing_n) {
  EXPECT_EQ(publisher_refusal(good_offer("recvonly")), 422);
  EXPECT_EQ(publisher_refusal(good_offer("inactive")), 422);
  EXPECT_EQ(publisher_refusal(replaced(good_offer("sendonly"), "opus/48000/2", "PCMU/8000")), 422);
  EXPECT_EQ(publisher_refusal(replaced(replaced(good_offer("sendonly"), "VP8", "AV1"), "H264", "VP9")), 422);
}

}  // namespace
}  // namespace liveedit::testing
