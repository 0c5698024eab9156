// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/ice_properties.h"

#include "streaming/base/error.h"
#include "streaming/webrtc/signalling.h"

namespace liveedit::streaming {
namespace {

constexpr int kDefaultMinPort = 0;
constexpr int kDefaultMaxPort = 65535;

enum Offset { kStunServer, kTurnServers, kMinRtpPort, kMaxRtpPort };

std::string text_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

}  // namespace

void install_ice_properties(GObjectClass* object_class, guint first) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  // What a TURN server is asked with is a secret: it cannot be read back.
  const auto secret = static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      object_class, first + kStunServer,
      g_param_spec_string(
          "stun-server", "STUN server",
          "Where to ask for the own public address, stun://host:port; needed where the other side is not in "
          "the same network; empty: nobody is asked",
          "", flags));
  g_object_class_install_property(
      object_class, first + kTurnServers,
      gst_param_spec_array("turn-servers", "TURN servers",
                           "Relays for peers that cannot be reached otherwise, turn(s)://user:password@host:port each",
                           g_param_spec_string("turn-server", "TURN server", "turn(s)://user:password@host:port", "",
                                               static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)),
                           secret));
  g_object_class_install_property(object_class, first + kMinRtpPort,
                                  g_param_spec_int("min-rtp-port", "Least RTP port",
                                                   "The UDP ports used for media begin here; 0: the system chooses", 0,
                                                   65535, kDefaultMinPort, flags));
  g_object_class_install_property(
      object_class, first + kMaxRtpPort,
      g_param_spec_int("max-rtp-port", "Greatest RTP port", "The UDP ports used for media end here", 0, 65535,
                       kDefaultMaxPort, flags));
}

bool set_ice_property(IceSettings* ice, guint first, guint id, const GValue* value) {
  switch (id - first) {
    case kStunServer:
      ice->stun_server = text_of(value);
      return true;
    case kTurnServers:
      ice->turn_servers.clear();
      for (guint i = 0; i < gst_value_array_get_size(value); ++i) {
        const std::string server = text_of(gst_value_array_get_value(value, i));
        if (!server.empty()) ice->turn_servers.push_back(server);
      }
      return true;
    case kMinRtpPort:
      ice->min_rtp_port = g_value_get_int(value);
      return true;
    case kMaxRtpPort:
      ice->max_rtp_port = g_value_get_int(value);
      return true;
    default:
      return false;
  }
}

bool get_ice_property(const IceSettings& ice, guint first, guint id, GValue* value) {
  switch (id - first) {
    case kStunServer:
      g_value_set_string(value, ice.stun_server.c_str());
      return true;
    case kMinRtpPort:
      g_value_set_int(value, ice.min_rtp_port);
      return true;
    case kMaxRtpPort:
      g_value_set_int(value, ice.max_rtp_port);
      return true;
    default:
      return false;
  }
}

void check_ice(const IceSettings& ice) {
  if (!ice.stun_server.empty() &&
      (ice.stun_server.rfind("stun://", 0) != 0 || ice_server_link(ice.stun_server).empty()))
    throw Error(ErrorKind::kSettings, "stun-server \"" + ice.stun_server + "\" is not stun://host:port.");
  for (const std::string& server : ice.turn_servers) {
    const bool turn = server.rfind("turn://", 0) == 0 || server.rfind("turns://", 0) == 0;
    if (!turn || ice_server_link(server).empty() || server.find('@') == std::string::npos)
      throw Error(ErrorKind::kSettings, "One of turn-servers is not turn://user:password@host:port or turns://...");
  }
  if (ice.min_rtp_port > ice.max_rtp_port)
    throw Error(ErrorKind::kSettings, "min-rtp-port " + std::to_string(ice.min_rtp_port) + " is above max-rtp-port " +
                                          std::to_string(ice.max_rtp_port) + ".");
}

std::vector<std::string> ice_server_links(const IceSettings& ice) {
  std::vector<std::string> links;
  if (!ice.stun_server.empty()) links.push_back(ice_server_link(ice.stun_server));
  for (const std::string& server : ice.turn_servers) links.push_back(ice_server_link(server));
  return links;
}

}  // namespace liveedit::streaming
