// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_LIVE_HTTP_SINK (gst_live_http_sink_get_type())
G_DECLARE_FINAL_TYPE(GstLiveHttpSink, gst_live_http_sink, GST, LIVE_HTTP_SINK, GstBin)

GST_ELEMENT_REGISTER_DECLARE(livehttpsink)

G_END_DECLS
