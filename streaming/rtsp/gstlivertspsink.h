// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
#define GST_TYPE_LIVE_RTSP_SINK (gst_live_rtsp_sink_get_type())
G_DECLARE_FINAL_TYPE(GstLiveRtspSink, gst_live_rtsp_sink, GST, LIVE_RTSP_SINK, GstBin)
GST_ELEMENT_REGISTER_DECLARE(livertspsink)
G_END_DECLS
