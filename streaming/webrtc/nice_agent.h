// SPDX-License-Identifier: LGPL-2.1-or-later
// ICE restarts, which webrtcbin 1.22 knows nothing of: asked of the libnice agent beneath it. libnice is opened by
// name, as part of webrtcbin it is loaded already.
#pragma once

#include <optional>

#include <gst/gst.h>

#include "streaming/webrtc/ice.h"

namespace liveedit::streaming {

// Begins a new ICE session (RFC 8445 2.4) on the one transport of `webrtcbin`: the credentials of the peer become
// `peer`, what is known of its addresses is forgotten, and the checks begin anew; media and DTLS go on, over the old
// path until there is a new one. Our new credentials; nullopt: libnice does not do it, and nothing has changed.
std::optional<IceCredentials> restart_ice(GstElement* webrtcbin, const IceCredentials& peer);

}  // namespace liveedit::streaming
