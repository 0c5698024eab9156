// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

namespace liveedit::streaming::rtsp {

// Sessions that end after this many seconds without a sign of life.
constexpr guint kSessionTimeout = 30;

// A pool whose session ids are 128 random bits (gst-rtsp-server's own can be guessed) and whose sessions time out.
GstRTSPSessionPool* make_session_pool(guint max_sessions);

}  // namespace liveedit::streaming::rtsp
