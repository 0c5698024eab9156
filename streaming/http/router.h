// SPDX-License-Identifier: LGPL-2.1-or-later
// From the head of a request to the route that answers it, or to the refusal. I/O thread only; no sockets.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "streaming/http/access_control.h"
#include "streaming/http/message.h"
#include "streaming/http/rate_limiter.h"
#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// The head of a request as it came, secrets included; it goes no further than the router.
struct Head {
  std::string method, target;
  Headers headers;
  int version = 11;             // 10 or 11
  uint64_t content_length = 0;  // as announced
  std::string remote_address;
  bool secure = false;
  std::string given_cookie;  // by route(), for the answer
};

class Router {
 public:
  // `port`: the one really bound.
  Router(const ServerConfig& config, int port, std::vector<Route> routes);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // The route, with `request` filled in but for its body; or the answer that ends it here.
  std::variant<Response, const Route*> route(Head* head, Request* request);
  // What every answer to `head` carries.
  Headers common_headers(const Head& head) const;

 private:
  const Route* find(const std::string& path) const;
  Response options(const Route& route) const;
  std::optional<Response> problem_with_access(const Route& route, const Head& head, const Request& request,
                                              const std::string& client, RateLimiter::Clock::time_point now);
  void name_client(Head* head, Request* request) const;
  Route ticket_route();

  const ServerConfig config_;
  AccessControl access_;
  std::vector<Route> routes_;
  RateLimiter requests_;
  std::map<const Route*, RateLimiter> posts_;
};

}  // namespace liveedit::streaming::http
