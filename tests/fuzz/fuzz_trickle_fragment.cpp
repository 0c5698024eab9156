// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a fragment of candidates: refused with SdpError, or every candidate in it can be used and reads back.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "streaming/webrtc/trickle_fragment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveedit::streaming;  // NOLINT: what is tested
  try {
    const TrickleFragment fragment = parse_trickle_fragment({reinterpret_cast<const char*>(data), size});
    if (fragment.candidates.size() > kMaxFragmentCandidates) std::abort();
    for (const TrickledCandidate& trickled : fragment.candidates) {
      const auto again = parse_candidate(to_line(trickled.candidate));
      if (!again || !usable(*again) || again->address != trickled.candidate.address) std::abort();
    }
    if (fragment.ice && (!valid_ice_ufrag(fragment.ice->ufrag) || !valid_ice_pwd(fragment.ice->pwd))) std::abort();
  } catch (const SdpError& error) {
    if (error.status() != 400 && error.status() != 413) std::abort();
  }
  return 0;
}
