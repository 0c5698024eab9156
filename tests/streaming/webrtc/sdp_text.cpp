// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/streaming/webrtc/sdp_text.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

constexpr const char* kTransport =
    "c=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:2AuZ\r\n"
    "a=ice-pwd:A7OL4jdd2YehnXH9xrpSxeTE\r\n"
    "a=fingerprint:sha-256 "
    "0F:93:C3:CA:F4:1E:65:99:C2:94:49:D5:57:B3:75:D4:A8:D8:68:56:8A:41:82:7F:70:45:95:35:E8:FE:65:00\r\n"
    "a=setup:actpass\r\n";

}  // namespace

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_NE(text.find(from), std::string::npos) << "the offer has no \"" << from << "\"";
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string video_offer(const std::string& direction) {
  return "v=0\r\no=- 71 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 96 97 108\r\n" +
         std::string(kTransport) + "a=mid:0\r\na=" + direction +
         "\r\na=rtcp-mux\r\n"
         "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n"
         "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
         "a=rtpmap:108 H264/90000\r\na=fmtp:108 "
         "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";
}

std::string good_offer(const std::string& direction) {
  return replaced(video_offer(direction), "BUNDLE 0", "BUNDLE 0 1") + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" +
         kTransport + "a=mid:1\r\na=" + direction +
         "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n";
}

std::string recorded_offer(const std::string& name) {
  std::ifstream in(std::string(LIVEEDIT_SOURCE_DIR) + "/tests/streaming/webrtc/offers/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace liveedit::testing
