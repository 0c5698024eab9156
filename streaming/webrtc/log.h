// SPDX-License-Identifier: LGPL-2.1-or-later
// The debug category of this room, livewebrtc. Include it last, in .cpp files only. What is logged holds no token, no
// ICE password and no key.
#pragma once

#include <gst/gst.h>

namespace liveedit::streaming {
GstDebugCategory* webrtc_log_category();
}  // namespace liveedit::streaming

#undef GST_CAT_DEFAULT
#define GST_CAT_DEFAULT ::liveedit::streaming::webrtc_log_category()
