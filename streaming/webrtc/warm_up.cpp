// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/warm_up.h"

#include <memory>
#include <mutex>

#include "streaming/webrtc/peer_connection.h"
#include "streaming/webrtc/worker.h"

#include "streaming/webrtc/log.h"

namespace liveedit::streaming {
namespace {

constexpr std::chrono::seconds kPatience{5}, kEndTime{10};

// A publisher of one picture, who never comes.
constexpr const char* kOffer =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:warm\r\na=ice-pwd:warmwarmwarmwarmwarmwarm\r\n"
    "a=fingerprint:sha-256 "
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:"
    "1F\r\na=setup:actpass\r\na=rtpmap:96 VP8/90000\r\n";

void load(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (!factory) return;
  GstPluginFeature* loaded = gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory));
  if (loaded) gst_object_unref(loaded);
  gst_object_unref(factory);
}

void warm_up() {
  try {
    PeerConnection peer("warm-up", IceSettings{}, 0);
    if (peer.play()) peer.negotiate(plan_publisher(parse_offer(kOffer)), kPatience);
    for (const char* element : {"vp8enc", "rtpvp8pay", "videoconvert", "videocrop"}) load(element);
  } catch (const std::exception& error) {
    GST_INFO("not warm: %s", error.what());
  }
}

struct State {
  std::mutex mutex;
  std::unique_ptr<Worker> worker;  // mutex; null before it begins
};

State& state() {
  static State once;
  return once;
}

}  // namespace

void begin_warm_up() {
  std::lock_guard lock(state().mutex);
  if (state().worker) return;
  state().worker = std::make_unique<Worker>("warm-up");
  state().worker->post(warm_up);
  state().worker->finish();
}

void wait_warm_up() {
  std::lock_guard lock(state().mutex);
  if (state().worker) state().worker->wait(std::chrono::steady_clock::now() + kEndTime);
}

}  // namespace liveedit::streaming
