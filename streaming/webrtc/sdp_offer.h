// SPDX-License-Identifier: LGPL-2.1-or-later
// The strict reader of offers that stands before webrtcbin. What a client sends never reaches webrtcbin as it is: the
// offer is read into these structs, and a text of our own is written from them (session_plan.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/webrtc/ice.h"
#include "streaming/webrtc/sdp_error.h"

namespace liveedit::streaming {

inline constexpr std::size_t kMaxSdpBytes = 64 * 1024;
inline constexpr std::size_t kMaxSdpLine = 4096;
inline constexpr std::size_t kMaxSdpSections = 8;
inline constexpr std::size_t kMaxSdpCandidates = 64;  // a section; further ones are dropped

enum class MediaKind { kAudio, kVideo };
enum class Direction { kSendRecv, kSendOnly, kRecvOnly, kInactive };
enum class Setup { kActPass, kActive, kPassive };

const char* name_of(MediaKind kind);
const char* name_of(Direction direction);
const char* name_of(Setup setup);

struct Fingerprint {
  std::string hash;   // sha-1, sha-224, sha-256, sha-384 or sha-512
  std::string value;  // upper-case hex pairs with colons, of that hash's length
  bool operator==(const Fingerprint&) const = default;
};

// One payload type of a section.
struct Codec {
  int payload_type = 0;  // 0 to 127, never 64 to 95 (RFC 5761)
  std::string name;      // as offered: "VP8"; empty where the section has no rtpmap for it
  int clock_rate = 0;
  int channels = 1;
  std::string fmtp;  // parameters as offered; empty: none
  bool nack = false;
  bool nack_pli = false;
  bool ccm_fir = false;
};

struct MediaSection {
  MediaKind kind = MediaKind::kVideo;
  std::string mid;
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs;  // in the order of preference
  IceCredentials ice;
  Fingerprint fingerprint;
  Setup setup = Setup::kActPass;
  std::vector<Candidate> candidates;  // the usable() ones
  bool end_of_candidates = false;
  std::vector<std::uint32_t> ssrcs;                              // in the order offered, no doubles
  std::vector<std::vector<std::uint32_t>> retransmission_pairs;  // ssrc-group:FID
};

struct Offer {
  std::vector<MediaSection> sections;  // 1 to kMaxSdpSections, each audio or video, all in one bundle
  std::size_t tagged = 0;              // the section whose transport the bundle uses
};

// Reads an offer of one bundle with rtcp-mux over DTLS-SRTP, as RFC 9725 4.4 asks for. Lines may end in LF alone.
// Throws SdpError.
Offer parse_offer(std::string_view text);

}  // namespace liveedit::streaming
