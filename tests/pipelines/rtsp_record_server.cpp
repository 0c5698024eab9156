// SPDX-License-Identifier: LGPL-2.1-or-later
// An RTSP server that takes one H.264 stream by RECORD at /live and writes it to a transport stream file.
//
//   rtsp_record_server FILE.ts
//
// Prints the port it listens on (any free one of the loopback) and ends when the sender has left.
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include <cstdio>
#include <string>

namespace {

gboolean quit(gpointer loop) {
  g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_REMOVE;
}

// The sender has left: give the file a moment to be closed by the media's unprepare, then end.
void on_client_closed(GstRTSPClient*, gpointer loop) {
  g_timeout_add(500, quit, loop);
}

void on_client_connected(GstRTSPServer*, GstRTSPClient* client, gpointer loop) {
  g_signal_connect(client, "closed", G_CALLBACK(on_client_closed), loop);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: rtsp_record_server FILE.ts\n");
    return 2;
  }
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, "0");

  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  const std::string receiver =
      std::string("( rtph264depay name=depay0 ! h264parse ! mpegtsmux ! filesink async=false sync=false location=\"") +
      argv[1] + "\" )";
  gst_rtsp_media_factory_set_launch(factory, receiver.c_str());
  gst_rtsp_media_factory_set_transport_mode(factory, GST_RTSP_TRANSPORT_MODE_RECORD);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  gst_rtsp_mount_points_add_factory(mounts, "/live", factory);
  g_object_unref(mounts);
  g_signal_connect(server, "client-connected", G_CALLBACK(on_client_connected), loop);

  if (!gst_rtsp_server_attach(server, nullptr)) {
    std::fprintf(stderr, "rtsp_record_server: cannot listen on the loopback\n");
    return 1;
  }
  std::printf("%d\n", gst_rtsp_server_get_bound_port(server));
  std::fflush(stdout);
  g_main_loop_run(loop);
  g_object_unref(server);
  g_main_loop_unref(loop);
  return 0;
}
