// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_LIVE_WEBRTC_SINK (gst_live_webrtc_sink_get_type())
G_DECLARE_FINAL_TYPE(GstLiveWebrtcSink, gst_live_webrtc_sink, GST, LIVE_WEBRTC_SINK, GstBin)

GST_ELEMENT_REGISTER_DECLARE(livewebrtcsink)

G_END_DECLS
