// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as an offer: refused with SdpError, or what webrtcbin would get of it is an offer that reads back, names no
// host, and has one codec a section.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "streaming/webrtc/session_plan.h"

namespace {

using namespace liveedit::streaming;  // NOLINT: what is tested

void check(const SessionPlan& plan) {
  const std::string text = offer_for_webrtcbin(plan);
  if (text.find(".local") != std::string::npos) std::abort();
  const Offer again = parse_offer(text);
  const std::vector<std::size_t> active = plan.active();
  if (again.sections.size() != active.size() || active.empty()) std::abort();
  for (std::size_t i = 0; i < active.size(); ++i) {
    const MediaSection& section = again.sections[i];
    const PlannedSection& planned = plan.sections[active[i]];
    if (section.mid != plan.offer.sections[active[i]].mid) std::abort();
    if (section.codecs.size() != (planned.retransmission_type ? 2u : 1u)) std::abort();
    if (section.codecs[0].payload_type != planned.offered.payload_type) std::abort();
    for (const Candidate& candidate : section.candidates) {
      if (!usable(candidate)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Offer offer = parse_offer(text);
    if (offer.sections.empty() || offer.sections.size() > kMaxSdpSections || offer.tagged >= offer.sections.size())
      std::abort();
    for (const bool publisher : {false, true}) {
      try {
        check(publisher ? plan_publisher(offer) : plan_viewer(offer, {{CodecKind::kVp8, CodecKind::kH264}, true}));
      } catch (const SdpError& error) {
        if (error.status() != 422) std::abort();
      }
    }
  } catch (const SdpError& error) {
    if (error.status() != 400 && error.status() != 413 && error.status() != 422) std::abort();
  }
  return 0;
}
