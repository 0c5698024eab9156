// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may do what: the token, what it is exchanged for, and from which web pages a browser may call. Not thread-safe.
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/http/message.h"
#include "streaming/http/rate_limiter.h"
#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// What the head of a request says about who sends it.
struct Credentials {
  std::string authorization;
  std::string cookie;
  std::string ticket;        // query parameter
  bool same_origin = false;  // a browser says that a page of this very server asks
};

enum class Verdict { kAdmitted, kMissing, kWrong, kTooManyFailures };

class AccessControl {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kTicketLife{60};
  static constexpr std::chrono::hours kSessionLife{24};
  static constexpr size_t kTickets = 256, kSessions = 1024;  // the oldest makes room

  AccessControl(const ServerConfig& config, int port);

  // `reading`: GET or HEAD. A ticket is used up by being admitted.
  Verdict admit(Access access, bool reading, const Credentials& credentials, const std::string& client,
                Clock::time_point now);

  // A new ticket: good for one GET of media within kTicketLife.
  std::string issue_ticket(Clock::time_point now);
  // A new session as the value of Set-Cookie.
  std::string issue_cookie(bool secure, Clock::time_point now);

  // Which client shows these cookies; empty: none that was named.
  std::string client_in(std::string_view cookies) const;
  // A new client, and what makes it known as the value of Set-Cookie.
  struct NewClient {
    std::string client, cookie;
  };
  NewClient new_client(bool secure) const;

  // Against pages of other sites and names that point here (DNS rebinding).
  bool host_allowed(std::string_view host) const;
  bool origin_allowed(std::string_view origin, std::string_view host) const;
  static bool same_origin(std::string_view origin, std::string_view host);

 private:
  struct Pass {
    std::string secret;
    Clock::time_point ends;
  };

  bool token_matches(std::string_view given) const;
  std::string issue(std::deque<Pass>* passes, size_t most, Clock::time_point ends);
  // Whether `secret` is among them and still good; each comparison takes the same time.
  std::deque<Pass>::iterator find(std::deque<Pass>* passes, std::string_view secret, Clock::time_point now);

  const std::string token_;
  const bool loopback_;
  bool every_origin_ = false;
  std::vector<std::string> origins_;
  const std::string cookie_name_, client_cookie_name_;
  RateLimiter failures_;
  std::deque<Pass> tickets_, sessions_;
};

// Compares in a time that depends on neither content.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace liveedit::streaming::http
