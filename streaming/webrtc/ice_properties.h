// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties that the WebRTC elements have in common, in the words of gst-plugins-rs' webrtcsink and webrtcsrc:
// stun-server, turn-servers, min-rtp-port, max-rtp-port.
#pragma once

#include <vector>

#include <gst/gst.h>

#include "streaming/webrtc/peer_connection.h"

namespace liveedit::streaming {

constexpr guint kIcePropertyCount = 4;

// Installs them with the ids first, ..., first + kIcePropertyCount - 1.
void install_ice_properties(GObjectClass* object_class, guint first);

// false: not one of these ids. The caller holds the lock that guards `ice`.
bool set_ice_property(IceSettings* ice, guint first, guint id, const GValue* value);
bool get_ice_property(const IceSettings& ice, guint first, guint id, GValue* value);

// Throws Error(kSettings): an address that is not one, or ports the wrong way round.
void check_ice(const IceSettings& ice);

// The Link headers for all of them.
std::vector<std::string> ice_server_links(const IceSettings& ice);

}  // namespace liveedit::streaming
