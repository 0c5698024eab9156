// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/sdp_offer.h"

#include <algorithm>
#include <optional>
#include <set>

#include "streaming/webrtc/text_scan.h"

namespace liveedit::streaming {
namespace {

constexpr std::size_t kMaxFormats = 64;
constexpr std::size_t kMaxSsrcs = 32;
constexpr std::size_t kLongestMid = 64;

[[noreturn]] void malformed(const std::string& what) {
  throw SdpError(400, "The offer is malformed: " + what + ".");
}

[[noreturn]] void unsupported(const std::string& what) {
  throw SdpError(422, "The offer asks for what is not served: " + what + ".");
}

// What a section says or inherits from the session.
struct Transport {
  std::optional<std::string> ufrag, pwd;
  std::optional<Fingerprint> fingerprint;
  std::optional<Setup> setup;
};

struct Draft {
  MediaSection section;
  Transport transport;
  std::optional<Direction> direction;
  bool port_zero = false;
  bool bundle_only = false;
  bool rtcp_mux = false;
  bool has_mid = false;
};

struct Parser {
  Transport session;
  std::optional<Direction> session_direction;
  std::vector<std::string> bundle;
  bool has_bundle = false;
  std::vector<Draft> drafts;

  void media_line(std::string_view value);
  void attribute(std::string_view value);
  void media_attribute(Draft* draft, std::string_view name, std::string_view value);
  void check_bundle();
  Offer finish();
};

std::size_t digest_bytes(std::string_view hash) {
  if (hash == "sha-1") return 20;
  if (hash == "sha-224") return 28;
  if (hash == "sha-256") return 32;
  if (hash == "sha-384") return 48;
  if (hash == "sha-512") return 64;
  return 0;
}

Fingerprint parse_fingerprint(std::string_view value) {
  Fingerprint found;
  for (const char c : next_token(&value, ' ')) found.hash += lower(c);
  const std::size_t bytes = digest_bytes(found.hash);
  if (bytes == 0) malformed("the hash of a=fingerprint is not one of sha-1 to sha-512");
  if (value.size() != bytes * 3 - 1) malformed("a=fingerprint is not as long as its hash");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i] >= 'a' && value[i] <= 'f' ? static_cast<char>(value[i] - 'a' + 'A') : value[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    if (i % 3 == 2 ? c != ':' : !hex) malformed("a=fingerprint is not made of hex pairs and colons");
    found.value += c;
  }
  return found;
}

Setup parse_setup(std::string_view value) {
  if (value == "actpass") return Setup::kActPass;
  if (value == "active") return Setup::kActive;
  if (value == "passive") return Setup::kPassive;
  malformed("a=setup of an offer is actpass, active or passive");
}

std::optional<Direction> direction_of(std::string_view name) {
  if (name == "sendrecv") return Direction::kSendRecv;
  if (name == "sendonly") return Direction::kSendOnly;
  if (name == "recvonly") return Direction::kRecvOnly;
  if (name == "inactive") return Direction::kInactive;
  return std::nullopt;
}

// The attributes that a section and the session have in common. false: not one of them.
bool transport_attribute(Transport* transport, std::string_view name, std::string_view value) {
  if (name == "ice-ufrag") {
    if (!valid_ice_ufrag(value)) malformed("a=ice-ufrag is not 4 to 256 ICE characters");
    transport->ufrag = value;
  } else if (name == "ice-pwd") {
    if (!valid_ice_pwd(value)) malformed("a=ice-pwd is not 22 to 256 ICE characters");
    transport->pwd = value;
  } else if (name == "fingerprint") {
    // Of several, the SHA-256 one: the hash that every client has.
    Fingerprint found = parse_fingerprint(value);
    if (!transport->fingerprint || found.hash == "sha-256") transport->fingerprint = std::move(found);
  } else if (name == "setup") {
    transport->setup = parse_setup(value);
  } else {
    return false;
  }
  return true;
}

int parse_payload_type(std::string_view text) {
  const auto number = parse_number<int>(text, 0, 127);
  if (!number || (*number >= 64 && *number <= 95)) malformed("a payload type is not one of 0 to 63 and 96 to 127");
  return *number;
}

Codec* find_codec(MediaSection* section, int payload_type) {
  const auto found = std::find_if(section->codecs.begin(), section->codecs.end(),
                                  [&](const Codec& codec) { return codec.payload_type == payload_type; });
  return found == section->codecs.end() ? nullptr : &*found;
}

// "96 VP8/90000" or "111 opus/48000/2"; types that the m-line does not name are of no interest.
void parse_rtpmap(MediaSection* section, std::string_view value) {
  Codec* codec = find_codec(section, parse_payload_type(next_token(&value, ' ')));
  const std::string_view name = next_token(&value, '/');
  const auto clock_rate = parse_number<int>(next_token(&value, '/'), 1, 1'000'000);
  const auto channels = value.empty() ? std::optional<int>(1) : parse_number<int>(value, 1, 255);
  if (!is_token(name, 64) || !clock_rate || !channels) malformed("an a=rtpmap is not NAME/CLOCK[/CHANNELS]");
  if (!codec) return;
  if (!codec->name.empty()) malformed("two a=rtpmap for one payload type");
  codec->name = name;
  codec->clock_rate = *clock_rate;
  codec->channels = *channels;
}

void parse_fmtp(MediaSection* section, std::string_view value) {
  Codec* codec = find_codec(section, parse_payload_type(next_token(&value, ' ')));
  if (codec) codec->fmtp = value;
}

void parse_feedback(MediaSection* section, std::string_view value) {
  const std::string_view types = next_token(&value, ' ');
  const int payload_type = types == "*" ? -1 : parse_payload_type(types);
  for (Codec& codec : section->codecs) {
    if (payload_type >= 0 && codec.payload_type != payload_type) continue;
    codec.nack |= value == "nack";
    codec.nack_pli |= value == "nack pli";
    codec.ccm_fir |= value == "ccm fir";
  }
}

void parse_ssrc(MediaSection* section, std::string_view value) {
  const auto ssrc = parse_number<std::uint32_t>(next_token(&value, ' '), 0, 0xffffffffu);
  if (!ssrc) malformed("an a=ssrc is not a number of 32 bits");
  auto& known = section->ssrcs;
  if (std::find(known.begin(), known.end(), *ssrc) != known.end()) return;
  if (known.size() >= kMaxSsrcs) unsupported("more than 32 streams in a section");
  known.push_back(*ssrc);
}

void parse_ssrc_group(MediaSection* section, std::string_view value) {
  if (next_token(&value, ' ') != "FID") return;
  std::vector<std::uint32_t> pair;
  while (!value.empty() && pair.size() < 3) {
    const auto ssrc = parse_number<std::uint32_t>(next_token(&value, ' '), 0, 0xffffffffu);
    if (!ssrc) malformed("an a=ssrc-group does not list numbers of 32 bits");
    pair.push_back(*ssrc);
  }
  if (pair.size() == 2 && section->retransmission_pairs.size() < kMaxSsrcs)
    section->retransmission_pairs.push_back(std::move(pair));
}

void add_candidate(MediaSection* section, std::string_view value) {
  std::optional<Candidate> candidate = parse_candidate(value);
  if (!candidate) malformed("an a=candidate does not follow RFC 8839");
  if (usable(*candidate) && section->candidates.size() < kMaxSdpCandidates)
    section->candidates.push_back(std::move(*candidate));
}

void Parser::media_attribute(Draft* draft, std::string_view name, std::string_view value) {
  MediaSection* section = &draft->section;
  if (transport_attribute(&draft->transport, name, value)) return;
  if (const auto direction = direction_of(name)) {
    draft->direction = direction;
  } else if (name == "mid") {
    if (draft->has_mid) malformed("two a=mid in one section");
    if (!is_token(value, kLongestMid)) malformed("an a=mid is not a token of up to 64 characters");
    draft->has_mid = true;
    section->mid = value;
  } else if (name == "rtcp-mux") {
    draft->rtcp_mux = true;
  } else if (name == "bundle-only") {
    draft->bundle_only = true;
  } else if (name == "rtpmap") {
    parse_rtpmap(section, value);
  } else if (name == "fmtp") {
    parse_fmtp(section, value);
  } else if (name == "rtcp-fb") {
    parse_feedback(section, value);
  } else if (name == "ssrc") {
    parse_ssrc(section, value);
  } else if (name == "ssrc-group") {
    parse_ssrc_group(section, value);
  } else if (name == "candidate") {
    add_candidate(section, value);
  } else if (name == "end-of-candidates") {
    section->end_of_candidates = true;
  }
}

void Parser::attribute(std::string_view value) {
  const std::string_view name = next_token(&value, ':');
  if (!drafts.empty()) return media_attribute(&drafts.back(), name, value);
  if (transport_attribute(&session, name, value)) return;
  if (const auto direction = direction_of(name)) session_direction = direction;
  if (name != "group" || next_token(&value, ' ') != "BUNDLE") return;
  if (has_bundle) malformed("two groups BUNDLE");
  has_bundle = true;
  while (!value.empty()) {
    if (bundle.size() >= kMaxSdpSections) unsupported("more than 8 sections");
    bundle.emplace_back(next_token(&value, ' '));
  }
}

// "video 9 UDP/TLS/RTP/SAVPF 96 97"
void Parser::media_line(std::string_view value) {
  if (drafts.size() >= kMaxSdpSections) unsupported("more than 8 sections");
  Draft draft;
  const std::string_view kind = next_token(&value, ' ');
  const auto port = parse_number<int>(next_token(&value, ' '), 0, 65535);
  const std::string_view profile = next_token(&value, ' ');
  if (!port || value.empty()) malformed("an m= line is not KIND PORT PROFILE FORMATS");
  if (kind != "audio" && kind != "video") unsupported("a section that is neither audio nor video");
  if (profile != "UDP/TLS/RTP/SAVPF") unsupported("a profile other than UDP/TLS/RTP/SAVPF");
  draft.section.kind = kind == "audio" ? MediaKind::kAudio : MediaKind::kVideo;
  draft.port_zero = *port == 0;
  while (!value.empty()) {
    const int payload_type = parse_payload_type(next_token(&value, ' '));
    if (find_codec(&draft.section, payload_type)) malformed("a payload type stands twice in an m= line");
    if (draft.section.codecs.size() >= kMaxFormats) unsupported("more than 64 payload types in a section");
    draft.section.codecs.push_back({});
    draft.section.codecs.back().payload_type = payload_type;
  }
  drafts.push_back(std::move(draft));
}

void Parser::check_bundle() {
  std::set<std::string> mids, bundled;
  for (const Draft& draft : drafts) {
    if (!draft.has_mid) malformed("a section has no a=mid");
    if (!mids.insert(draft.section.mid).second) malformed("two sections have the same a=mid");
  }
  if (!has_bundle && drafts.size() == 1) bundle.push_back(drafts[0].section.mid);
  for (const std::string& mid : bundle) {
    if (!mids.count(mid)) malformed("the group BUNDLE names an a=mid that no section has");
    if (!bundled.insert(mid).second) malformed("the group BUNDLE names an a=mid twice");
  }
  if (bundled.size() != mids.size()) unsupported("sections outside one group BUNDLE");
}

Offer Parser::finish() {
  if (drafts.empty()) malformed("it has no section");
  check_bundle();
  Offer offer;
  for (const Draft& draft : drafts) {
    if (draft.section.mid == bundle[0]) offer.tagged = offer.sections.size();
    offer.sections.push_back(draft.section);
  }
  const Draft& tagged = drafts[offer.tagged];
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const Draft& draft = drafts[i];
    MediaSection& section = offer.sections[i];
    if (draft.port_zero && !draft.bundle_only) unsupported("a section with port 0");
    // A section that only lives in the bundle has no transport of its own to describe (RFC 8843 7.1.2).
    const auto pick = [&](auto member) {
      const auto& own = draft.transport.*member;
      if (own) return own;
      if (session.*member) return session.*member;
      return draft.bundle_only ? tagged.transport.*member : own;
    };
    const auto ufrag = pick(&Transport::ufrag);
    const auto pwd = pick(&Transport::pwd);
    const auto fingerprint = pick(&Transport::fingerprint);
    if (!ufrag || !pwd) malformed("a section has no a=ice-ufrag or no a=ice-pwd");
    if (!fingerprint) malformed("a section has no a=fingerprint");
    const auto setup = pick(&Transport::setup);
    if (!setup) malformed("a section has no a=setup");
    if (!draft.rtcp_mux && !draft.bundle_only) unsupported("a section without a=rtcp-mux");
    section.ice = {*ufrag, *pwd};
    section.fingerprint = *fingerprint;
    section.setup = *setup;
    section.direction = draft.direction.value_or(session_direction.value_or(Direction::kSendRecv));
  }
  return offer;
}

bool clean(std::string_view line) {
  return std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; });
}

}  // namespace

const char* name_of(MediaKind kind) {
  return kind == MediaKind::kAudio ? "audio" : "video";
}

const char* name_of(Direction direction) {
  switch (direction) {
    case Direction::kSendRecv:
      return "sendrecv";
    case Direction::kSendOnly:
      return "sendonly";
    case Direction::kRecvOnly:
      return "recvonly";
    case Direction::kInactive:
      break;
  }
  return "inactive";
}

const char* name_of(Setup setup) {
  return setup == Setup::kActPass ? "actpass" : setup == Setup::kActive ? "active" : "passive";
}

Offer parse_offer(std::string_view text) {
  if (text.size() > kMaxSdpBytes) throw SdpError(413, "The offer is longer than 64 KiB.");
  Parser parser;
  std::size_t lines = 0;
  bool has_origin = false, has_name = false, has_time = false;
  while (!text.empty()) {
    std::string_view line = next_line(&text);
    if (line.empty() && text.empty()) break;  // a last empty line does no harm
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z') malformed("a line is not LETTER=VALUE");
    if (line.size() > kMaxSdpLine) malformed("a line is longer than 4096 characters");
    if (!clean(line)) malformed("it holds control characters");
    if (lines++ == 0 && line != "v=0") malformed("it does not begin with v=0");
    const char type = line[0];
    line.remove_prefix(2);
    if (type == 'm') {
      parser.media_line(line);
    } else if (type == 'a') {
      parser.attribute(line);
    } else if (parser.drafts.empty()) {
      has_origin |= type == 'o';
      has_name |= type == 's';
      has_time |= type == 't';
    }
  }
  if (lines == 0) malformed("it is empty");
  if (!has_origin || !has_name || !has_time) malformed("one of o=, s= and t= is missing");
  return parser.finish();
}

}  // namespace liveedit::streaming
