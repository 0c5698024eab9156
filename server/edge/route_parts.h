// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tables of routes are written with.
#pragma once

#include <string>
#include <utility>

#include "streaming/http/server.h"

namespace liveedit::server {

inline streaming::http::Route get_route(std::string path, streaming::http::Access access,
                                        streaming::http::Handler handler) {
  streaming::http::Route route;
  route.path = std::move(path);
  route.methods = {"GET"};
  route.access = access;
  route.handler = std::move(handler);
  return route;
}

inline streaming::http::Route post_route(std::string path, size_t max_body, streaming::http::Handler handler) {
  streaming::http::Route route;
  route.path = std::move(path);
  route.methods = {"POST"};
  route.access = streaming::http::Access::kPage;
  route.max_body = max_body;
  route.handler = std::move(handler);
  return route;
}

inline void send_json(const streaming::http::ResponderPtr& responder, int status, std::string body) {
  responder->send(
      streaming::http::make_response(status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}));
}

inline void send_problem(const streaming::http::ResponderPtr& responder, int status, std::string_view detail,
                         streaming::http::Headers headers = {}) {
  responder->send(streaming::http::make_problem(status, detail, std::move(headers)));
}

// What stands behind a path that ends with a slash.
inline std::string after(const std::string& path, const streaming::http::Route& route) {
  return path.substr(route.path.size());
}

}  // namespace liveedit::server
