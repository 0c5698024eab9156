// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/session_plan.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "streaming/webrtc/text_scan.h"

namespace liveedit::streaming {
namespace {

[[noreturn]] void unsupported(const std::string& what) {
  throw SdpError(422, "The offer asks for what is not served: " + what + ".");
}

// The value of "name=value" in a list separated by semicolons; empty if it is not there.
std::string_view parameter(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    std::string_view value = next_token(&fmtp, ';');
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    const std::string_view key = next_token(&value, '=');
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

// Constrained baseline, or baseline (whose decoders take it too), in the mode that every encoder's packets fit.
bool suitable_h264(const Codec& codec) {
  const std::string_view profile = parameter(codec.fmtp, "profile-level-id");
  if (parameter(codec.fmtp, "packetization-mode") != "1" || profile.size() != 6) return false;
  return equal_ignoring_case(profile.substr(0, 4), "42e0") || equal_ignoring_case(profile.substr(0, 4), "42c0") ||
         profile.substr(0, 4) == "4200";
}

std::optional<CodecKind> kind_of(const Codec& codec) {
  if (equal_ignoring_case(codec.name, "VP8") && codec.clock_rate == 90000) return CodecKind::kVp8;
  if (equal_ignoring_case(codec.name, "H264") && codec.clock_rate == 90000 && suitable_h264(codec))
    return CodecKind::kH264;
  if (equal_ignoring_case(codec.name, "opus") && codec.clock_rate == 48000 && codec.channels == 2)
    return CodecKind::kOpus;
  return std::nullopt;
}

// What encoders make is constrained baseline: where the client lists plain baseline before it, that is its first choice
// all the same.
bool constrained(const Codec& codec) {
  return equal_ignoring_case(parameter(codec.fmtp, "profile-level-id").substr(0, 4), "42e0");
}

// The first of the allowed codecs in the client's order.
std::optional<PlannedSection> choose(const MediaSection& section, const std::vector<CodecKind>& allowed) {
  std::optional<PlannedSection> planned;
  for (const Codec& codec : section.codecs) {
    const auto kind = kind_of(codec);
    if (!kind || std::find(allowed.begin(), allowed.end(), *kind) == allowed.end()) continue;
    const bool better = planned && planned->codec == *kind && *kind == CodecKind::kH264 && constrained(codec) &&
                        !constrained(planned->offered);
    if (!planned || better) planned = PlannedSection{true, *kind, codec, std::nullopt};
  }
  if (!planned) return planned;
  for (const Codec& other : section.codecs) {
    if (equal_ignoring_case(other.name, "rtx") &&
        parameter(other.fmtp, "apt") == std::to_string(planned->offered.payload_type))
      planned->retransmission_type = other.payload_type;
  }
  return planned;
}

void check_payload_types(const SessionPlan& plan) {
  std::set<int> types;
  for (const std::size_t i : plan.active()) {
    if (!types.insert(plan.sections[i].offered.payload_type).second)
      unsupported("two sections of a bundle with the same payload type");
  }
}

void add(std::string* text, const std::string& line) {
  *text += line + "\r\n";
}

std::string rtpmap(const PlannedSection& section) {
  switch (section.codec) {
    case CodecKind::kVp8:
      return "VP8/90000";
    case CodecKind::kH264:
      return "H264/90000";
    case CodecKind::kOpus:
      break;
  }
  return "opus/48000/2";
}

// What the stream is, in the offer's words: a client compares them with what it offered.
std::string format_parameters(const PlannedSection& section) {
  if (section.codec == CodecKind::kH264) {
    const std::string_view asymmetry = parameter(section.offered.fmtp, "level-asymmetry-allowed");
    return (asymmetry == "1" ? std::string("level-asymmetry-allowed=1;") : std::string()) +
           "packetization-mode=1;profile-level-id=" + std::string(parameter(section.offered.fmtp, "profile-level-id"));
  }
  if (section.codec == CodecKind::kOpus) {
    const bool stereo = parameter(section.offered.fmtp, "stereo") == "1";
    return stereo ? "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1" : "minptime=10;useinbandfec=1";
  }
  return {};
}

void add_codec(std::string* text, const PlannedSection& section) {
  const std::string type = std::to_string(section.offered.payload_type);
  add(text, "a=rtpmap:" + type + " " + rtpmap(section));
  const std::string parameters = format_parameters(section);
  if (!parameters.empty()) add(text, "a=fmtp:" + type + " " + parameters);
  if (section.offered.nack) add(text, "a=rtcp-fb:" + type + " nack");
  if (section.offered.nack_pli) add(text, "a=rtcp-fb:" + type + " nack pli");
  if (section.offered.ccm_fir) add(text, "a=rtcp-fb:" + type + " ccm fir");
  if (!section.retransmission_type) return;
  const std::string again = std::to_string(*section.retransmission_type);
  add(text, "a=rtpmap:" + again + " rtx/90000");
  add(text, "a=fmtp:" + again + " apt=" + type);
}

std::string media_line(const MediaSection& section, const PlannedSection& planned) {
  std::string line = std::string("m=") + name_of(section.kind) + " 9 UDP/TLS/RTP/SAVPF";
  if (!planned.active) return line + " " + std::to_string(section.codecs.front().payload_type);
  line += " " + std::to_string(planned.offered.payload_type);
  if (planned.retransmission_type) line += " " + std::to_string(*planned.retransmission_type);
  return line;
}

// What is taken from one section of webrtcbin's answer.
struct LocalSection {
  std::string ufrag, pwd, fingerprint, setup, direction, cname, pair;
  std::vector<std::string> ssrcs;
  std::vector<Candidate> candidates;
  bool refused = false;
};

void take_attribute(LocalSection* section, std::string_view value) {
  const std::string_view name = next_token(&value, ':');
  if (name == "ice-ufrag") section->ufrag = value;
  if (name == "ice-pwd") section->pwd = value;
  if (name == "fingerprint") section->fingerprint = value;
  if (name == "setup") section->setup = value;
  if (name == "sendonly" || name == "recvonly" || name == "sendrecv" || name == "inactive") section->direction = name;
  if (name == "ssrc-group" && next_token(&value, ' ') == "FID") section->pair = value;
  if (name == "candidate") {
    auto candidate = parse_candidate(value);
    if (candidate && usable(*candidate)) section->candidates.push_back(std::move(*candidate));
  }
  if (name != "ssrc") return;
  const std::string ssrc(next_token(&value, ' '));
  if (std::find(section->ssrcs.begin(), section->ssrcs.end(), ssrc) == section->ssrcs.end())
    section->ssrcs.push_back(ssrc);
  if (next_token(&value, ':') == "cname") section->cname = value;
}

std::vector<LocalSection> read_answer(std::string_view text) {
  std::vector<LocalSection> sections;
  while (!text.empty()) {
    std::string_view line = next_line(&text);
    if (line.substr(0, 2) == "m=") {
      next_token(&line, ' ');
      sections.emplace_back();
      sections.back().refused = next_token(&line, ' ') == "0";
    } else if (line.substr(0, 2) == "a=" && !sections.empty()) {
      take_attribute(&sections.back(), line.substr(2));
    }
  }
  return sections;
}

void add_sources(std::string* text, const MediaSection& section, const LocalSection& local) {
  const std::string msid = std::string("liveedit ") + name_of(section.kind);
  add(text, "a=msid:" + msid);
  if (!local.pair.empty()) add(text, "a=ssrc-group:FID " + local.pair);
  for (const std::string& ssrc : local.ssrcs) {
    add(text, "a=ssrc:" + ssrc + " cname:" + (local.cname.empty() ? "liveedit" : local.cname));
    add(text, "a=ssrc:" + ssrc + " msid:" + msid);
  }
}

void add_candidates(std::string* text, const LocalSection& local) {
  for (const Candidate& candidate : local.candidates) add(text, "a=candidate:" + to_line(candidate));
  add(text, "a=end-of-candidates");
}

void add_transport(std::string* text, const LocalSection& local, bool with_candidates) {
  add(text, "a=ice-ufrag:" + local.ufrag);
  add(text, "a=ice-pwd:" + local.pwd);
  add(text, "a=fingerprint:" + local.fingerprint);
  add(text, "a=setup:" + local.setup);
  if (with_candidates) add_candidates(text, local);
}

}  // namespace

const char* name_of(CodecKind codec) {
  return codec == CodecKind::kVp8 ? "VP8" : codec == CodecKind::kH264 ? "H264" : "OPUS";
}

std::vector<std::size_t> SessionPlan::active() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].active) found.push_back(i);
  }
  return found;
}

SessionPlan plan_viewer(Offer offer, const ServedMedia& served) {
  SessionPlan plan;
  plan.offer = std::move(offer);
  bool has_video = false, has_audio = false;
  for (const MediaSection& section : plan.offer.sections) {
    if (section.direction == Direction::kSendOnly || section.direction == Direction::kInactive)
      unsupported("a section that does not receive");
    bool* seen = section.kind == MediaKind::kVideo ? &has_video : &has_audio;
    if (*seen) unsupported(std::string("two sections of ") + name_of(section.kind));
    *seen = true;
    std::vector<CodecKind> allowed;
    if (section.kind == MediaKind::kVideo) allowed = served.video;
    if (section.kind == MediaKind::kAudio && served.audio) allowed = {CodecKind::kOpus};
    const auto chosen = choose(section, allowed);
    if (!chosen && !allowed.empty())
      unsupported(std::string("none of the codecs offered for ") + name_of(section.kind) + " is at hand");
    plan.sections.push_back(chosen.value_or(PlannedSection{}));
  }
  if (plan.active().empty()) unsupported("no section of a kind that there is");
  check_payload_types(plan);
  return plan;
}

SessionPlan plan_publisher(Offer offer) {
  SessionPlan plan;
  plan.offer = std::move(offer);
  plan.receiving = true;
  bool has_video = false, has_audio = false;
  for (const MediaSection& section : plan.offer.sections) {
    if (section.direction == Direction::kRecvOnly || section.direction == Direction::kInactive)
      unsupported("a section that does not send");
    bool* seen = section.kind == MediaKind::kVideo ? &has_video : &has_audio;
    if (*seen) unsupported(std::string("two sections of ") + name_of(section.kind));
    *seen = true;
    const bool video = section.kind == MediaKind::kVideo;
    const auto chosen =
        choose(section, video ? std::vector{CodecKind::kVp8, CodecKind::kH264} : std::vector{CodecKind::kOpus});
    if (!chosen) unsupported(std::string("none of the codecs offered for ") + name_of(section.kind) + " is at hand");
    plan.sections.push_back(*chosen);
  }
  check_payload_types(plan);
  return plan;
}

std::string offer_for_webrtcbin(const SessionPlan& plan) {
  const Offer& offer = plan.offer;
  const MediaSection& tagged = offer.sections[offer.tagged];
  std::string text, bundle;
  for (const std::size_t i : plan.active()) bundle += " " + offer.sections[i].mid;
  for (const char* line : {"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"}) add(&text, line);
  add(&text, "a=group:BUNDLE" + bundle);
  bool first = true;
  for (const std::size_t i : plan.active()) {
    const MediaSection& section = offer.sections[i];
    const PlannedSection& planned = plan.sections[i];
    add(&text, media_line(section, planned));
    add(&text, "c=IN IP4 0.0.0.0");
    add(&text, "a=mid:" + section.mid);
    add(&text, plan.receiving ? "a=sendonly" : "a=recvonly");
    add(&text, "a=rtcp-mux");
    add(&text, "a=ice-ufrag:" + tagged.ice.ufrag);
    add(&text, "a=ice-pwd:" + tagged.ice.pwd);
    add(&text, "a=fingerprint:" + tagged.fingerprint.hash + " " + tagged.fingerprint.value);
    add(&text, std::string("a=setup:") + name_of(tagged.setup));
    add_codec(&text, planned);
    for (const auto& pair : section.retransmission_pairs)
      add(&text, "a=ssrc-group:FID " + std::to_string(pair[0]) + " " + std::to_string(pair[1]));
    for (const std::uint32_t ssrc : section.ssrcs) add(&text, "a=ssrc:" + std::to_string(ssrc) + " cname:peer");
    if (first) {
      for (const Candidate& candidate : tagged.candidates) add(&text, "a=candidate:" + to_line(candidate));
    }
    first = false;
  }
  return text;
}

std::string compose_answer(const SessionPlan& plan, std::string_view webrtcbin_answer) {
  const std::vector<std::size_t> active = plan.active();
  const std::vector<LocalSection> local = read_answer(webrtcbin_answer);
  const std::string direction = plan.receiving ? "recvonly" : "sendonly";
  if (local.size() != active.size()) throw std::runtime_error("webrtcbin answered another number of sections");
  for (const LocalSection& section : local) {
    if (section.refused || section.direction != direction || section.ufrag.empty() || section.fingerprint.empty())
      throw std::runtime_error("webrtcbin did not take a section of the offer");
  }
  std::string text, bundle;
  // The section that the bundle's transport is read from comes first, as it did in the offer.
  bundle += " " + plan.offer.sections[plan.offer.tagged].mid;
  for (std::size_t i = 0; i < plan.offer.sections.size(); ++i) {
    if (i != plan.offer.tagged) bundle += " " + plan.offer.sections[i].mid;
  }
  for (const char* line : {"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"}) add(&text, line);
  add(&text, "a=group:BUNDLE" + bundle);
  add(&text, "a=msid-semantic:WMS liveedit");
  for (std::size_t i = 0, next = 0; i < plan.offer.sections.size(); ++i) {
    const MediaSection& section = plan.offer.sections[i];
    const PlannedSection& planned = plan.sections[i];
    add(&text, media_line(section, planned));
    add(&text, "c=IN IP4 0.0.0.0");
    add(&text, "a=mid:" + section.mid);
    add(&text, "a=" + (planned.active ? direction : "inactive"));
    add(&text, "a=rtcp-mux");
    add(&text, "a=rtcp-mux-only");
    add_transport(&text, local[0], i == plan.offer.tagged);
    if (planned.active) {
      add_codec(&text, planned);
      if (!plan.receiving) add_sources(&text, section, local[next]);
      ++next;
    } else if (!section.codecs.front().name.empty()) {
      const Codec& codec = section.codecs.front();
      add(&text, "a=rtpmap:" + std::to_string(codec.payload_type) + " " + codec.name + "/" +
                     std::to_string(codec.clock_rate) +
                     (codec.channels > 1 ? "/" + std::to_string(codec.channels) : ""));
    }
  }
  return text;
}

std::string compose_restart(const SessionPlan& plan, std::string_view webrtcbin_answer,
                            const IceCredentials& credentials) {
  const std::vector<LocalSection> local = read_answer(webrtcbin_answer);
  std::string text;
  add(&text, media_line(plan.offer.sections[plan.offer.tagged], plan.sections[plan.offer.tagged]));
  add(&text, "a=mid:" + plan.offer.sections[plan.offer.tagged].mid);
  add(&text, "a=ice-ufrag:" + credentials.ufrag);
  add(&text, "a=ice-pwd:" + credentials.pwd);
  if (!local.empty()) add_candidates(&text, local.front());
  return text;
}

}  // namespace liveedit::streaming
