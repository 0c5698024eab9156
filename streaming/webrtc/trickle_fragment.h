// SPDX-License-Identifier: LGPL-2.1-or-later
// The body of a PATCH: application/trickle-ice-sdpfrag (RFC 8840).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/webrtc/ice.h"
#include "streaming/webrtc/sdp_error.h"

namespace liveedit::streaming {

inline constexpr std::size_t kMaxFragmentBytes = 16 * 1024;
inline constexpr std::size_t kMaxFragmentCandidates = 64;

struct TrickledCandidate {
  std::string mid;  // of the section it stands in; empty: before all sections
  Candidate candidate;
};

struct TrickleFragment {
  std::optional<IceCredentials> ice;          // whose candidates these are
  std::vector<TrickledCandidate> candidates;  // the usable() ones
  bool end_of_candidates = false;
};

// Candidates that cannot be used are dropped without a word, as RFC 9725 4.3.2 asks.
// Throws SdpError(400): not a fragment, or credentials that differ between its sections.
TrickleFragment parse_trickle_fragment(std::string_view text);

}  // namespace liveedit::streaming
