// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "streaming/webrtc/peer_connection.h"
#include "streaming/webrtc/session_plan.h"
#include "streaming/webrtc/trickle_fragment.h"
#include "streaming/webrtc/worker.h"

namespace liveedit::streaming {

// Why a session is not to be had now: the HTTP status (409: nothing to see yet or somebody is there already; 503:
// full), one sentence, and after how many seconds it is worth another try.
class SessionRefused : public std::runtime_error {
 public:
  SessionRefused(int status, const std::string& message, int retry_after_s)
      : std::runtime_error(message), status_(status), retry_after_s_(retry_after_s) {}
  int status() const { return status_; }
  int retry_after_s() const { return retry_after_s_; }

 private:
  int status_;
  int retry_after_s_;
};

// One viewer or publisher, from its offer to its end. Everything that touches webrtcbin runs on the session's own
// worker. It ends by close(), when it is not connected within 10 s, when the connection fails, or when the peer has
// sent no RTCP for 10 s (webrtcbin itself would take a killed browser for connected for ever).
class Session : public std::enable_shared_from_this<Session> {
 public:
  // The answer, or why there is none (SdpError, SessionRefused or another exception). Runs on the worker.
  using AnswerHandler = std::function<void(const std::string& answer, std::exception_ptr problem)>;
  using ClosedHandler = std::function<void(const std::string& id, const std::string& reason)>;

  virtual ~Session() = default;

  const std::string& id() const { return id_; }  // 128 random bits in hex
  // Which ICE session it is in: its entity tag, with its quotes, and the peer's credentials. They change together.
  struct IceState {
    std::string etag;
    IceCredentials peer;
  };
  IceState ice_state() const;

  // Once. `on_closed` is called once after that, on the worker, whatever ends the session.
  void negotiate(AnswerHandler on_answer, ClosedHandler on_closed);
  void add_candidates(TrickleFragment fragment);
  // Goes on with the credentials and candidates of `fragment` (it has some). The handler gets the fragment for the
  // client and the new entity tag; an empty fragment: it could not be done, and everything is as it was. It runs on
  // the worker, or not at all where the session ends before.
  using RestartHandler = std::function<void(const std::string& fragment, const std::string& etag)>;
  void restart_ice(TrickleFragment fragment, RestartHandler on_restarted);
  // Returns at once.
  void close(const std::string& reason);
  // Waits until the session has freed everything; false: it had not by then.
  bool wait_closed(std::chrono::steady_clock::time_point deadline) { return worker_.wait(deadline); }
  bool connected() const { return connected_; }

 protected:
  Session(const std::string& name, SessionPlan plan, IceSettings ice, int latency_ms);

  const SessionPlan& plan() const { return plan_; }
  PeerConnection& peer() { return *peer_; }

  // Each on the worker. build() before the negotiation: the senders with their caps, the handlers of what is received;
  // throws.
  virtual void build() = 0;
  virtual void on_connected() = 0;
  virtual void on_tick() = 0;     // each second while connected
  virtual void on_closing() = 0;  // the peer connection still stands
  // For the log: how far it is, and how long after the offer.
  void log_stage(const char* stage) const;
  // Seconds that a connected peer may be silent.
  virtual bool alive() { return peer().silence_s() < 10; }

 private:
  std::string run_negotiation();
  void tick();
  void close_now(const std::string& reason);
  void add_candidates_now(const TrickleFragment& fragment);

  const std::string name_;
  const std::string id_;
  const SessionPlan plan_;
  const IceSettings ice_;
  const int latency_ms_;
  ClosedHandler on_closed_;               // worker
  std::unique_ptr<PeerConnection> peer_;  // worker
  std::chrono::steady_clock::time_point started_;
  bool closed_ = false;  // worker
  std::atomic<bool> connected_{false};
  mutable std::mutex state_mutex_;
  IceState ice_state_;  // state_mutex_
  Worker worker_;
};

// `bytes` random bytes of the system in hex.
std::string random_hex(std::size_t bytes);

}  // namespace liveedit::streaming
