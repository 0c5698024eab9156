// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "streaming/webrtc/ice.h"
#include "streaming/webrtc/peer_report.h"
#include "streaming/webrtc/session_plan.h"
#include "streaming/webrtc/source_gate.h"

namespace liveedit::streaming {

struct IceSettings {
  std::string stun_server;                // stun://host:port, empty: none
  std::vector<std::string> turn_servers;  // turn(s)://user:password@host:port
  int min_rtp_port = 0;                   // 0: any
  int max_rtp_port = 65535;
};

enum class PeerState { kNew, kConnecting, kConnected, kDisconnected, kFailed, kClosed };

// A webrtcbin in a pipeline of its own, as answerer. All functions but state() and the handlers belong to one thread,
// the session's worker.
class PeerConnection {
 public:
  // Called from webrtcbin's threads; must not block.
  using StateHandler = std::function<void(PeerState)>;
  using PadHandler =
      std::function<void(GstPad* pad)>;  // a new source pad with a publisher's RTP; may build onto the pipeline

  // `latency_ms` is that of the jitter buffers. Throws Error(kUnavailable) where webrtcbin or libnice is not installed.
  PeerConnection(const std::string& name, const IceSettings& ice, int latency_ms);
  ~PeerConnection();  // close()
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  GstElement* pipeline() const;
  GstElement* webrtcbin() const;

  void on_state(StateHandler handler);
  void on_pad(PadHandler handler);

  // The pipeline to PLAYING. false: it does not go there.
  bool play();

  // Offer in, answer out, with all candidates of ours. Senders' pads have caps by now. Throws std::runtime_error; the
  // connection is of no use then.
  std::string negotiate(const SessionPlan& plan, std::chrono::milliseconds patience);

  // A usable() candidate of the peer, of webrtcbin's section `section`.
  void add_candidate(unsigned section, const Candidate& candidate);

  // A new ICE session with the peer, who begins it with these credentials; its candidates are to be added after it.
  // What it needs of ours, as the body of the answer (RFC 9725 4.3.3); nullopt: there is no restarting here, and the
  // connection goes on as it was.
  std::optional<std::string> restart_ice(const SessionPlan& plan, const IceCredentials& peer);

  // Seconds since the peer's last RTCP packet; since play() where there was none.
  double silence_s() const;
  PeerReport report() const;

  // Ends the connection and frees what it holds. No handler runs when it returns.
  void close();

 private:
  struct Shared;  // what webrtcbin's threads touch
  void configure_ice(const IceSettings& settings);
  void wait_for_candidates(std::chrono::steady_clock::time_point deadline);
  void watch_rtcp();

  std::shared_ptr<Shared> shared_;
  const std::shared_ptr<SourceGate> gate_;
  GstElement* pipeline_ = nullptr;
  GstElement* webrtcbin_ = nullptr;
  GObject* rtp_session_ = nullptr;  // an RTPSession, from negotiate() on
};

}  // namespace liveedit::streaming
