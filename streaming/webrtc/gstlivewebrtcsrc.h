// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_LIVE_WEBRTC_SRC (gst_live_webrtc_src_get_type())
G_DECLARE_FINAL_TYPE(GstLiveWebrtcSrc, gst_live_webrtc_src, GST, LIVE_WEBRTC_SRC, GstBin)

GST_ELEMENT_REGISTER_DECLARE(livewebrtcsrc)

G_END_DECLS
