// SPDX-License-Identifier: LGPL-2.1-or-later
// What is made of an offer: which sections are served with which payload type, the text that webrtcbin gets, and the
// text that the client gets back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/webrtc/sdp_offer.h"

namespace liveedit::streaming {

enum class CodecKind { kVp8, kH264, kOpus };

const char* name_of(CodecKind codec);  // "VP8", "H264", "OPUS": RTP encoding names

struct PlannedSection {
  bool active = false;  // false: answered a=inactive, and webrtcbin never hears of it
  CodecKind codec = CodecKind::kVp8;
  Codec offered;
  std::optional<int> retransmission_type;  // payload type of RFC 4588 retransmissions of `offered`
};

struct SessionPlan {
  Offer offer;
  std::vector<PlannedSection> sections;  // one for each of the offer's
  bool receiving = false;                // we are sent to (WHIP); false: we send (WHEP)

  // The active sections in their order: the n-th is webrtcbin's section n.
  std::vector<std::size_t> active() const;
};

// What a viewer can get.
struct ServedMedia {
  std::vector<CodecKind> video;  // kVp8 and kH264, those allowed; of them the viewer's order decides
  bool audio = false;
};

// Sections of a kind that is not served become inactive; a viewer for whom nothing is left, who wants a kind twice,
// wants to send, or has none of the codecs is refused: SdpError(422).
SessionPlan plan_viewer(Offer offer, const ServedMedia& served);

// At most one video and one audio section, each VP8, H.264 or Opus that is sent to us; else SdpError(422): never a part
// of it (RFC 9725 4.2).
SessionPlan plan_publisher(Offer offer);

// The offer cut down to the active sections and to one codec each.
std::string offer_for_webrtcbin(const SessionPlan& plan);

// The answer of webrtcbin, completed to the client's sections: mids as offered, rtcp-mux-only, msid, only candidates
// that are usable(). Throws std::runtime_error where webrtcbin did not take an active section in the direction planned.
std::string compose_answer(const SessionPlan& plan, std::string_view webrtcbin_answer);

// The fragment (RFC 8840) that answers an ICE restart: `credentials`, and the usable() candidates of webrtcbin's
// answer, in the section whose transport the bundle uses.
std::string compose_restart(const SessionPlan& plan, std::string_view webrtcbin_answer,
                            const IceCredentials& credentials);

}  // namespace liveedit::streaming
