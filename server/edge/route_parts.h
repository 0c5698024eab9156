// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tables of routes are written with.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "streaming/http/server.h"

namespace liveedit::server {

namespace http = streaming::http;
using http::Access;
using http::Request;
using http::ResponderPtr;
using http::Route;
using Json = nlohmann::ordered_json;

// Of a form, besides the file.
constexpr size_t kFormBytes = 16 * 1024;

inline Route get_route(std::string path, Access access, http::Handler handler) {
  Route route;
  route.path = std::move(path);
  route.methods = {"GET"};
  route.access = access;
  route.handler = std::move(handler);
  return route;
}

inline Route post_route(std::string path, size_t max_body, http::Handler handler) {
  Route route;
  route.path = std::move(path);
  route.methods = {"POST"};
  route.access = http::Access::kPage;
  route.max_body = max_body;
  route.handler = std::move(handler);
  return route;
}

inline void send_json(const http::ResponderPtr& responder, int status, std::string body) {
  responder->send(http::make_response(status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}));
}

inline void send_problem(const http::ResponderPtr& responder, int status, std::string_view detail,
                         http::Headers headers = {}) {
  responder->send(http::make_problem(status, detail, std::move(headers)));
}

// Whether the query has it, with whatever value: one that request.query_parameter() passes over, too.
inline bool has_parameter(const Request& request, std::string_view name) {
  return ("&" + request.query).find("&" + std::string(name)) != std::string::npos;
}

// What stands behind a path that ends with a slash.
inline std::string after(const std::string& path, const http::Route& route) {
  return path.substr(route.path.size());
}

}  // namespace liveedit::server
