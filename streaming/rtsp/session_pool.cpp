// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/rtsp/session_pool.h"

#include "streaming/http/random_name.h"

struct LiveRtspSessionPool {
  GstRTSPSessionPool parent;
};
struct LiveRtspSessionPoolClass {
  GstRTSPSessionPoolClass parent_class;
};

G_DEFINE_TYPE(LiveRtspSessionPool, live_rtsp_session_pool, GST_TYPE_RTSP_SESSION_POOL)

static gchar* live_rtsp_session_pool_create_id(GstRTSPSessionPool*) {
  try {
    return g_strdup(liveedit::streaming::http::random_name().c_str());
  } catch (const std::exception&) {
    return nullptr;
  }
}

static GstRTSPSession* live_rtsp_session_pool_create_session(GstRTSPSessionPool*, const gchar* id) {
  return GST_RTSP_SESSION(g_object_new(GST_TYPE_RTSP_SESSION, "sessionid", id, "timeout",
                                       liveedit::streaming::rtsp::kSessionTimeout, nullptr));
}

static void live_rtsp_session_pool_class_init(LiveRtspSessionPoolClass* klass) {
  auto* pool_class = GST_RTSP_SESSION_POOL_CLASS(klass);
  pool_class->create_session_id = live_rtsp_session_pool_create_id;
  pool_class->create_session = live_rtsp_session_pool_create_session;
}

static void live_rtsp_session_pool_init(LiveRtspSessionPool*) {}

namespace liveedit::streaming::rtsp {

GstRTSPSessionPool* make_session_pool(guint max_sessions) {
  auto* pool = GST_RTSP_SESSION_POOL(g_object_new(live_rtsp_session_pool_get_type(), nullptr));
  gst_rtsp_session_pool_set_max_sessions(pool, max_sessions);
  return pool;
}

}  // namespace liveedit::streaming::rtsp
