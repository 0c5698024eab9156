// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/trickle_fragment.h"

#include <algorithm>

#include "streaming/webrtc/text_scan.h"

namespace liveedit::streaming {
namespace {

[[noreturn]] void malformed(const std::string& what) {
  throw SdpError(400, "The ICE fragment is malformed: " + what + ".");
}

struct Parser {
  TrickleFragment fragment;
  std::string mid;
  std::optional<std::string> ufrag, pwd;

  void set_once(std::optional<std::string>* kept, std::string_view value, const char* what) {
    if (*kept && **kept != value) malformed(std::string("its sections have different ") + what);
    *kept = value;
  }

  void attribute(std::string_view value) {
    const std::string_view name = next_token(&value, ':');
    if (name == "ice-ufrag") {
      if (!valid_ice_ufrag(value)) malformed("a=ice-ufrag is not 4 to 256 ICE characters");
      set_once(&ufrag, value, "a=ice-ufrag");
    } else if (name == "ice-pwd") {
      if (!valid_ice_pwd(value)) malformed("a=ice-pwd is not 22 to 256 ICE characters");
      set_once(&pwd, value, "a=ice-pwd");
    } else if (name == "mid") {
      if (!is_token(value, 64)) malformed("an a=mid is not a token of up to 64 characters");
      mid = value;
    } else if (name == "candidate") {
      std::optional<Candidate> candidate = parse_candidate(value);
      if (!candidate) malformed("an a=candidate does not follow RFC 8839");
      if (usable(*candidate) && fragment.candidates.size() < kMaxFragmentCandidates)
        fragment.candidates.push_back({mid, std::move(*candidate)});
    } else if (name == "end-of-candidates") {
      fragment.end_of_candidates = true;
    }
  }
};

}  // namespace

TrickleFragment parse_trickle_fragment(std::string_view text) {
  if (text.size() > kMaxFragmentBytes) throw SdpError(413, "The ICE fragment is longer than 16 KiB.");
  if (text.empty()) malformed("it is empty");
  Parser parser;
  while (!text.empty()) {
    std::string_view line = next_line(&text);
    if (line.empty() && text.empty()) break;
    if (line.size() < 3 || line[1] != '=' || line[0] < 'a' || line[0] > 'z') malformed("a line is not LETTER=VALUE");
    const bool control = std::any_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; });
    if (control) malformed("it holds control characters");
    const char type = line[0];
    line.remove_prefix(2);
    if (type == 'm') parser.mid.clear();
    if (type == 'a') parser.attribute(line);
  }
  if (parser.ufrag.has_value() != parser.pwd.has_value()) malformed("one of a=ice-ufrag and a=ice-pwd is missing");
  if (parser.ufrag) parser.fragment.ice = IceCredentials{*parser.ufrag, *parser.pwd};
  return std::move(parser.fragment);
}

}  // namespace liveedit::streaming
