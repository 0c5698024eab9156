// SPDX-License-Identifier: LGPL-2.1-or-later
#define GST_USE_UNSTABLE_API  // the WebRTC library of GStreamer 1.22 still calls itself that
#include "streaming/webrtc/peer_connection.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>

#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>

#include "streaming/base/error.h"
#include "streaming/webrtc/gst_handles.h"
#include "streaming/webrtc/media_clock.h"
#include "streaming/webrtc/nice_agent.h"

namespace liveedit::streaming {

using SteadyClock = std::chrono::steady_clock;

struct PeerConnection::Shared {
  std::mutex handler_mutex;  // held while a handler runs, so that close() can wait for it
  StateHandler state_handler;
  PadHandler pad_handler;

  std::mutex mutex;
  std::condition_variable changed;
  bool gathered = false;
  std::atomic<gint64> last_rtcp{0};  // g_get_monotonic_time()
};

namespace {

PeerState to_state(GstWebRTCPeerConnectionState state) {
  switch (state) {
    case GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTING:
      return PeerState::kConnecting;
    case GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED:
      return PeerState::kConnected;
    case GST_WEBRTC_PEER_CONNECTION_STATE_DISCONNECTED:
      return PeerState::kDisconnected;
    case GST_WEBRTC_PEER_CONNECTION_STATE_FAILED:
      return PeerState::kFailed;
    case GST_WEBRTC_PEER_CONNECTION_STATE_CLOSED:
      return PeerState::kClosed;
    default:
      return PeerState::kNew;
  }
}

// The reply of an action that takes a promise; waits until `deadline`. Throws where it fails, is late, or carries an
// error.
StructurePtr call(GstElement* webrtcbin, const char* action, gpointer argument, SteadyClock::time_point deadline) {
  struct Reply {
    std::promise<StructurePtr> promise;
    std::atomic<bool> done{false};
  };
  auto reply = std::make_shared<Reply>();
  std::future<StructurePtr> future = reply->promise.get_future();
  GstPromise* promise = gst_promise_new_with_change_func(
      [](GstPromise* changed, gpointer data) {
        Reply* target = static_cast<std::shared_ptr<Reply>*>(data)->get();
        if (target->done.exchange(true)) return;
        const bool replied = gst_promise_wait(changed) == GST_PROMISE_RESULT_REPLIED;
        const GstStructure* structure = replied ? gst_promise_get_reply(changed) : nullptr;
        if (replied) {
          target->promise.set_value(StructurePtr(structure ? gst_structure_copy(structure) : nullptr));
        } else {
          target->promise.set_exception(std::make_exception_ptr(std::runtime_error("webrtcbin did not reply")));
        }
      },
      new std::shared_ptr<Reply>(reply), [](gpointer data) { delete static_cast<std::shared_ptr<Reply>*>(data); });
  g_signal_emit_by_name(webrtcbin, action, argument, promise);
  gst_promise_unref(promise);
  if (future.wait_until(deadline) != std::future_status::ready)
    throw std::runtime_error(std::string("webrtcbin took too long to ") + action);
  StructurePtr structure = future.get();
  if (structure && gst_structure_has_field(structure.get(), "error")) {
    GError* error = nullptr;
    gst_structure_get(structure.get(), "error", G_TYPE_ERROR, &error, nullptr);
    const std::string text = error ? error->message : "no reason given";
    g_clear_error(&error);
    throw std::runtime_error(std::string("webrtcbin could not ") + action + ": " + text);
  }
  return structure;
}

struct DescriptionFree {
  void operator()(GstWebRTCSessionDescription* description) const { gst_webrtc_session_description_free(description); }
};
using DescriptionPtr = std::unique_ptr<GstWebRTCSessionDescription, DescriptionFree>;

DescriptionPtr make_offer(const std::string& text) {
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(text.c_str(), &message) != GST_SDP_OK)
    throw std::runtime_error("GStreamer could not read the offer");
  return DescriptionPtr(gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, message));
}

std::string local_description(GstElement* webrtcbin) {
  GstWebRTCSessionDescription* description = nullptr;
  g_object_get(webrtcbin, "local-description", &description, nullptr);
  if (!description) throw std::runtime_error("webrtcbin has no local description");
  const DescriptionPtr owned(description);
  gchar* text = gst_sdp_message_as_text(description->sdp);
  const std::string copy = text;
  g_free(text);
  return copy;
}

void set_direction(GstElement* webrtcbin, std::size_t sections, bool receiving) {
  for (std::size_t i = 0; i < sections; ++i) {
    GstWebRTCRTPTransceiver* transceiver = nullptr;
    g_signal_emit_by_name(webrtcbin, "get-transceiver", static_cast<gint>(i), &transceiver);
    if (!transceiver) throw std::runtime_error("webrtcbin has no transceiver for a section");
    g_object_set(
        transceiver, "direction",
        receiving ? GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY : GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY,
        "do-nack", TRUE, nullptr);
    gst_object_unref(transceiver);
  }
}

std::vector<std::uint32_t> announced_sources(const SessionPlan& plan) {
  std::vector<std::uint32_t> sources;
  for (const std::size_t i : plan.active()) {
    const auto& offered = plan.offer.sections[i].ssrcs;
    sources.insert(sources.end(), offered.begin(), offered.end());
  }
  return sources;
}

// Nobody reads this pipeline's bus, and a peer can make a decoder complain of every packet.
void drop_messages(GstElement* pipeline) {
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline));
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer) {
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      nullptr, nullptr);
}

bool only_loopback() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return false;
  bool other = false;
  for (const ifaddrs* at = list; at; at = at->ifa_next) {
    const bool ip = at->ifa_addr && (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6);
    other |= ip && (at->ifa_flags & IFF_UP) && !(at->ifa_flags & IFF_LOOPBACK);
  }
  freeifaddrs(list);
  return !other;
}

}  // namespace

PeerConnection::PeerConnection(const std::string& name, const IceSettings& ice, int latency_ms)
    : shared_(std::make_shared<Shared>()), gate_(std::make_shared<SourceGate>()) {
  webrtcbin_ = gst_element_factory_make("webrtcbin", nullptr);
  if (!webrtcbin_)
    throw Error(ErrorKind::kUnavailable,
                "GStreamer's element webrtcbin is missing. Install gstreamer1.0-plugins-bad and gstreamer1.0-nice.");
  pipeline_ = gst_pipeline_new(name.c_str());
  gst_object_ref_sink(pipeline_);
  gst_object_ref_sink(webrtcbin_);
  gst_bin_add(GST_BIN(pipeline_), webrtcbin_);
  drop_messages(pipeline_);
  use_media_clock(pipeline_);
  g_object_set(webrtcbin_, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, "latency",
               static_cast<guint>(latency_ms), nullptr);
  // By default RTCP would tell everybody the names of the user and the machine.
  if (const ElementPtr rtpbin{gst_bin_get_by_name(GST_BIN(webrtcbin_), "rtpbin")}) {
    const StructurePtr sdes(
        gst_structure_new("application/x-rtp-source-sdes", "cname", G_TYPE_STRING, name.c_str(), nullptr));
    g_object_set(rtpbin.get(), "sdes", sdes.get(), nullptr);
  }
  guard_sources(webrtcbin_, gate_);
  configure_ice(ice);
  shared_->last_rtcp = g_get_monotonic_time();

  connect_shared(webrtcbin_, "notify::connection-state", G_CALLBACK(+[](GObject* object, GParamSpec*, gpointer data) {
                   const auto& shared = *static_cast<std::shared_ptr<Shared>*>(data);
                   GstWebRTCPeerConnectionState state{};
                   g_object_get(object, "connection-state", &state, nullptr);
                   std::lock_guard lock(shared->handler_mutex);
                   if (shared->state_handler) shared->state_handler(to_state(state));
                 }),
                 shared_);
  connect_shared(webrtcbin_, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                   const auto& shared = *static_cast<std::shared_ptr<Shared>*>(data);
                   std::lock_guard lock(shared->handler_mutex);
                   if (GST_PAD_IS_SRC(pad) && shared->pad_handler) shared->pad_handler(pad);
                 }),
                 shared_);
  connect_shared(webrtcbin_, "notify::ice-gathering-state",
                 G_CALLBACK(+[](GObject* object, GParamSpec*, gpointer data) {
                   const auto& shared = *static_cast<std::shared_ptr<Shared>*>(data);
                   GstWebRTCICEGatheringState state{};
                   g_object_get(object, "ice-gathering-state", &state, nullptr);
                   std::lock_guard lock(shared->mutex);
                   shared->gathered = state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
                   shared->changed.notify_all();
                 }),
                 shared_);
}

PeerConnection::~PeerConnection() {
  close();
}

void PeerConnection::configure_ice(const IceSettings& settings) {
  if (!settings.stun_server.empty()) g_object_set(webrtcbin_, "stun-server", settings.stun_server.c_str(), nullptr);
  for (const std::string& server : settings.turn_servers) {
    gboolean added = FALSE;
    g_signal_emit_by_name(webrtcbin_, "add-turn-server", server.c_str(), &added);
  }
  GObject* ice = nullptr;
  g_object_get(webrtcbin_, "ice-agent", &ice, nullptr);
  if (!ice) return;
  g_object_set(ice, "min-rtp-port", static_cast<guint>(settings.min_rtp_port), "max-rtp-port",
               static_cast<guint>(settings.max_rtp_port), nullptr);
  // Without another interface libnice finds no candidate at all and would never be done.
  if (only_loopback()) {
    gboolean added = FALSE;
    g_signal_emit_by_name(ice, "add-local-ip-address", "127.0.0.1", &added);
  }
  GObject* agent = nullptr;
  g_object_get(ice, "agent", &agent, nullptr);
  if (agent) {
    // UPnP costs 200 ms a session. The checks find a peer that has gone where RTCP could not tell. Checks are paced as
    // closely as RFC 8445 14.2 allows: the default of 20 ms is what a session on the own network would wait for.
    g_object_set(agent, "upnp", FALSE, "ice-tcp", FALSE, "keepalive-conncheck", TRUE, "stun-pacing-timer", 5u, nullptr);
    g_object_unref(agent);
  }
  g_object_unref(ice);
}

GstElement* PeerConnection::pipeline() const {
  return pipeline_;
}

GstElement* PeerConnection::webrtcbin() const {
  return webrtcbin_;
}

void PeerConnection::on_state(StateHandler handler) {
  std::lock_guard lock(shared_->handler_mutex);
  shared_->state_handler = std::move(handler);
}

void PeerConnection::on_pad(PadHandler handler) {
  std::lock_guard lock(shared_->handler_mutex);
  shared_->pad_handler = std::move(handler);
}

bool PeerConnection::play() {
  shared_->last_rtcp = g_get_monotonic_time();
  return gst_element_set_state(pipeline_, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

std::string PeerConnection::negotiate(const SessionPlan& plan, std::chrono::milliseconds patience) {
  const SteadyClock::time_point deadline = SteadyClock::now() + patience;
  const std::size_t sections = plan.active().size();
  gate_->expect(announced_sources(plan), plan.receiving);
  if (!plan.receiving) set_direction(webrtcbin_, sections, false);
  const DescriptionPtr offer = make_offer(offer_for_webrtcbin(plan));
  call(webrtcbin_, "set-remote-description", offer.get(), deadline);
  const StructurePtr reply = call(webrtcbin_, "create-answer", nullptr, deadline);
  // Of a publisher's sections the transceivers exist from here on. Not in on-new-transceiver, where 1.22 deadlocks.
  if (plan.receiving) set_direction(webrtcbin_, sections, true);
  GstWebRTCSessionDescription* made = nullptr;
  if (reply) gst_structure_get(reply.get(), "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &made, nullptr);
  if (!made) throw std::runtime_error("webrtcbin made no answer");
  const DescriptionPtr answer(made);
  call(webrtcbin_, "set-local-description", answer.get(), deadline);
  watch_rtcp();
  wait_for_candidates(deadline);
  return compose_answer(plan, local_description(webrtcbin_));
}

// What has been found when the time is up must do: a STUN server that does not reply costs its candidate, not the
// session.
void PeerConnection::wait_for_candidates(SteadyClock::time_point deadline) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_until(lock, deadline, [this] { return shared_->gathered; });
}

void PeerConnection::watch_rtcp() {
  const ElementPtr rtpbin(gst_bin_get_by_name(GST_BIN(webrtcbin_), "rtpbin"));
  if (!rtpbin) return;
  g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0u, &rtp_session_);
  if (!rtp_session_) return;
  connect_shared(rtp_session_, "on-receiving-rtcp", G_CALLBACK(+[](GObject*, GstBuffer*, gpointer data) {
                   (*static_cast<std::shared_ptr<Shared>*>(data))->last_rtcp = g_get_monotonic_time();
                 }),
                 shared_);
}

void PeerConnection::add_candidate(unsigned section, const Candidate& candidate) {
  g_signal_emit_by_name(webrtcbin_, "add-ice-candidate", section, ("candidate:" + to_line(candidate)).c_str());
}

std::optional<std::string> PeerConnection::restart_ice(const SessionPlan& plan, const IceCredentials& peer) {
  const auto own = liveedit::streaming::restart_ice(webrtcbin_, peer);
  if (!own) return std::nullopt;
  shared_->last_rtcp = g_get_monotonic_time();  // it was cut off, and has just given a sign of life
  return compose_restart(plan, local_description(webrtcbin_), *own);
}

double PeerConnection::silence_s() const {
  return static_cast<double>(g_get_monotonic_time() - shared_->last_rtcp.load()) / G_USEC_PER_SEC;
}

PeerReport PeerConnection::report() const {
  if (!rtp_session_) return {};
  GstStructure* stats = nullptr;
  g_object_get(rtp_session_, "stats", &stats, nullptr);
  const StructurePtr owned(stats);
  return stats ? report_of(stats) : PeerReport{};
}

void PeerConnection::close() {
  if (!pipeline_) return;
  {
    std::lock_guard lock(shared_->handler_mutex);
    shared_->state_handler = nullptr;
    shared_->pad_handler = nullptr;
  }
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  g_clear_object(&rtp_session_);
  gst_clear_object(&webrtcbin_);
  gst_clear_object(&pipeline_);
}

}  // namespace liveedit::streaming
