// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "streaming/http_sink/gstlivehttpsink.h"
#include "streaming/rtsp/gstlivertspsink.h"
#include "streaming/webrtc/gstlivewebrtcsink.h"
#include "streaming/webrtc/gstlivewebrtcsrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(livehttpsink, plugin) && GST_ELEMENT_REGISTER(livertspsink, plugin) &&
         GST_ELEMENT_REGISTER(livewebrtcsink, plugin) && GST_ELEMENT_REGISTER(livewebrtcsrc, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, liveeditstreaming, "Serves live video: WebRTC, RTSP, HTTP",
                  plugin_init, LIVEEDIT_VERSION, "LGPL", "gst-liveedit", "Unknown package origin")
