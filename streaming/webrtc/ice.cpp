// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/ice.h"

#include <arpa/inet.h>

#include <array>

#include "streaming/webrtc/text_scan.h"

namespace liveedit::streaming {
namespace {

constexpr std::size_t kLongestFoundation = 32;
constexpr std::size_t kLongestAddress = 253;  // a host name's limit

bool ice_characters(std::string_view text) {
  for (const char c : text) {
    if (!is_alphanumeric(c) && c != '+' && c != '/') return false;
  }
  return true;
}

bool address_characters(std::string_view text) {
  if (text.empty() || text.size() > kLongestAddress) return false;
  for (const char c : text) {
    if (!is_alphanumeric(c) && c != '.' && c != ':' && c != '-' && c != '_') return false;
  }
  return true;
}

bool reachable_ip(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    const std::uint32_t ip = ntohl(v4.s_addr);
    return (ip >> 24) != 0 && (ip >> 28) < 0xE;  // not 0.0.0.0/8, multicast or reserved
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return false;
  return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6);
}

}  // namespace

bool valid_ice_ufrag(std::string_view text) {
  return text.size() >= 4 && text.size() <= 256 && ice_characters(text);
}

bool valid_ice_pwd(std::string_view text) {
  return text.size() >= 22 && text.size() <= 256 && ice_characters(text);
}

std::optional<Candidate> parse_candidate(std::string_view value) {
  std::array<std::string_view, 8> field;
  for (std::string_view& token : field) token = next_token(&value, ' ');
  const auto component = parse_number<int>(field[1], 1, 256);
  const auto priority = parse_number<std::uint32_t>(field[3], 0, 0xffffffffu);
  const auto port = parse_number<int>(field[5], 0, 65535);
  const bool foundation = !field[0].empty() && field[0].size() <= kLongestFoundation && ice_characters(field[0]);
  if (!foundation || !component || !is_token(field[2], 16) || !priority || !address_characters(field[4]) || !port ||
      field[6] != "typ" || !is_token(field[7], 16))
    return std::nullopt;
  return Candidate{
      std::string(field[0]), *component, equal_ignoring_case(field[2], "udp"), *priority, std::string(field[4]), *port,
      std::string(field[7])};
}

bool usable(const Candidate& candidate) {
  return candidate.udp && candidate.component == 1 && candidate.port > 0 && reachable_ip(candidate.address) &&
         (candidate.type == "host" || candidate.type == "srflx" || candidate.type == "prflx" ||
          candidate.type == "relay");
}

std::string to_line(const Candidate& candidate) {
  return candidate.foundation + " " + std::to_string(candidate.component) + (candidate.udp ? " UDP " : " TCP ") +
         std::to_string(candidate.priority) + " " + candidate.address + " " + std::to_string(candidate.port) + " typ " +
         candidate.type;
}

}  // namespace liveedit::streaming
