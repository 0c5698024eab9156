// SPDX-License-Identifier: LGPL-2.1-or-later
// The HTTP side of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03): an address that makes sessions of offers, and
// one address for each session.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "streaming/http/server.h"
#include "streaming/webrtc/session.h"

namespace liveedit::streaming {

// How long the end of an element waits for what its sessions hold.
inline constexpr std::chrono::seconds kTeardownTime{2};

struct SignallingSettings {
  std::string path;                           // "/whep", "/whip"
  std::size_t max_sessions = 64;              // one more: 503 with Retry-After and
  std::string full_text;                      // this sentence
  std::vector<std::string> ice_server_links;  // values of Link headers, see ice_server_link()
};

// A Link header's value for stun://host:port or turn(s)://user:password@host:port (RFC 9725 4.6); empty for anything
// else.
std::string ice_server_link(const std::string& server);

class Signalling : public std::enable_shared_from_this<Signalling> {
 public:
  // Makes a session of an offer that can be read. Runs on the I/O thread and must not block. Throws SdpError or
  // SessionRefused.
  using Factory = std::function<std::shared_ptr<Session>(Offer offer)>;
  using ClosedHandler = Session::ClosedHandler;

  Signalling(SignallingSettings settings, Factory factory);

  // For http::Server::start().
  std::vector<http::Route> routes();
  // The same for a server that has routes of its own for many of these: a request whose path is settings.path or below.
  void handle(const http::Request& request, const http::ResponderPtr& responder);

  std::vector<std::shared_ptr<Session>> sessions() const;

  // Ends every session, takes no more, and waits for at most kTeardownTime. The number of sessions that had not ended
  // by then; they are left to end by themselves. Not from the I/O thread or a session's worker.
  std::size_t close_all(const std::string& reason);

 private:
  void create(const http::Request& request, const http::ResponderPtr& responder);
  void on_session(const http::Request& request, const http::ResponderPtr& responder);
  void patch(Session* session, const http::Request& request, const http::ResponderPtr& responder);
  http::Response created(const Session& session, const std::string& answer) const;
  std::shared_ptr<Session> find(const std::string& id) const;
  void remove(const std::string& id);

  const SignallingSettings settings_;
  const Factory factory_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  bool closed_ = false;
};

}  // namespace liveedit::streaming
