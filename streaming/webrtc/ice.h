// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace liveedit::streaming {

// The user fragment and password of one side of an ICE session (RFC 8839 5.4).
struct IceCredentials {
  std::string ufrag;  // 4 to 256 characters
  std::string pwd;    // 22 to 256 characters
  bool operator==(const IceCredentials&) const = default;
};

bool valid_ice_ufrag(std::string_view text);
bool valid_ice_pwd(std::string_view text);

// An ICE candidate (RFC 8839 5.1). What follows the type (related address, extensions) is not kept.
struct Candidate {
  std::string foundation;
  int component = 1;  // 1: RTP, 2: RTCP
  bool udp = true;
  std::uint32_t priority = 0;
  std::string address;  // a literal IP address, a host name, or "....local"
  int port = 0;
  std::string type;  // host, srflx, prflx, relay
};

// `value` is what follows "a=candidate:". nullopt: it is not a candidate by RFC 8839's grammar.
std::optional<Candidate> parse_candidate(std::string_view value);

// Can the peer be reached at it without asking anybody: UDP, component 1, a literal IP address that is neither
// unspecified, multicast nor (for IPv6) link-local, and a port? Host names are never looked up: they are what browsers
// hide addresses behind (RFC 8828), and webrtcbin 1.22 leaks an agent for each it cannot resolve.
bool usable(const Candidate& candidate);

// The value of an a=candidate line, without "a=candidate:".
std::string to_line(const Candidate& candidate);

}  // namespace liveedit::streaming
