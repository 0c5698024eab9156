// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/router.h"

#include <strings.h>

#include <algorithm>

#include <gst/gst.h>

#include "streaming/http/request_check.h"

namespace liveedit::streaming::http {
namespace {

bool is_reading(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

bool secret_header(const std::string& name) {
  return !strcasecmp(name.c_str(), "Authorization") || !strcasecmp(name.c_str(), "Cookie");
}

std::string_view value_of(const Headers& headers, const char* name) {
  for (const auto& [key, value] : headers) {
    if (!strcasecmp(key.c_str(), name)) return value;
  }
  return {};
}

bool allows(const Route& route, const std::string& method) {
  const auto has = [&](const std::string& wanted) {
    return std::find(route.methods.begin(), route.methods.end(), wanted) != route.methods.end();
  };
  return has(method) || (method == "HEAD" && has("GET"));
}

std::string joined_methods(const Route& route) {
  std::string text = "OPTIONS";
  if (allows(route, "HEAD") && std::find(route.methods.begin(), route.methods.end(), "HEAD") == route.methods.end())
    text += ", HEAD";
  for (const std::string& method : route.methods) text += ", " + method;
  return text;
}

Response too_many(int seconds) {
  return make_problem(429, "Too many requests from this address.", {{"Retry-After", std::to_string(seconds)}});
}

}  // namespace

Router::Router(const ServerConfig& config, int port, std::vector<Route> routes)
    : config_(config),
      access_(config, port),
      routes_(std::move(routes)),
      requests_(config.limits.requests_per_second, config.limits.request_burst) {
  if (!config.token.empty()) routes_.push_back(ticket_route());
  for (const Route& route : routes_) {
    if (route.post_rate.per_second > 0)
      posts_.emplace(std::piecewise_construct, std::forward_as_tuple(&route),
                     std::forward_as_tuple(route.post_rate.per_second, route.post_rate.burst));
  }
}

Route Router::ticket_route() {
  Route route;
  route.path = "/ticket";
  route.methods = {"POST"};
  route.post_rate = {20.0 / 60, 20};
  route.handler = [this](const Request& request, ResponderPtr responder) {
    const auto now = RateLimiter::Clock::now();
    const std::string body = "{\"ticket\":\"" + access_.issue_ticket(now) +
                             "\",\"expires_in\":" + std::to_string(AccessControl::kTicketLife.count()) + "}";
    responder->send(
        make_response(200, "application/json", body,
                      {{"Set-Cookie", access_.issue_cookie(request.secure, now)}, {"Cache-Control", "no-store"}}));
  };
  return route;
}

const Route* Router::find(const std::string& path) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    const bool below = route.path.size() > 1 && route.path.back() == '/';
    const bool matches = below ? path.size() > route.path.size() && path.starts_with(route.path) : path == route.path;
    if (matches && (!best || route.path.size() > best->path.size())) best = &route;
  }
  return best;
}

Response Router::options(const Route& route) const {
  Response response = make_response(200, "", "", route.options_headers);
  response.headers.emplace_back("Allow", joined_methods(route));
  response.headers.emplace_back("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST, PATCH, DELETE");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
  response.headers.emplace_back("Access-Control-Max-Age", "86400");
  return response;
}

std::optional<Response> Router::problem_with_access(const Route& route, const Head& head, const Request& request,
                                                    const std::string& client, RateLimiter::Clock::time_point now) {
  const std::string_view host = value_of(head.headers, "Host"), origin = value_of(head.headers, "Origin");
  if (!access_.host_allowed(host))
    return make_problem(
        403, "This server is reached by the name localhost or by its address; another name needs allowed-origins.");
  if ((!is_reading(head.method) || route.websocket) && !origin.empty() && !access_.origin_allowed(origin, host))
    return make_problem(
        403, "Pages of this origin may not use the server; the property allowed-origins names those that may.");
  const Credentials credentials{
      std::string(value_of(head.headers, "Authorization")), std::string(value_of(head.headers, "Cookie")),
      std::string(request.query_parameter("ticket").value_or("")), AccessControl::same_origin(origin, host)};
  switch (access_.admit(route.access, is_reading(head.method), credentials, client, now)) {
    case Verdict::kAdmitted:
      return {};
    case Verdict::kMissing:
      return make_problem(401, "This address wants Authorization: Bearer and the token.",
                          {{"WWW-Authenticate", "Bearer"}});
    case Verdict::kWrong:
      return make_problem(401, "This is not the token.", {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}});
    case Verdict::kTooManyFailures:
      break;
  }
  return make_problem(429, "Too many wrong tokens from this address.", {{"Retry-After", "60"}});
}

void Router::name_client(Head* head, Request* request) const {
  request->client = access_.client_in(value_of(head->headers, "Cookie"));
  request->client_is_new = request->client.empty();
  if (!request->client_is_new) return;
  AccessControl::NewClient made = access_.new_client(head->secure);
  request->client = std::move(made.client);
  head->given_cookie = std::move(made.cookie);
}

std::variant<Response, const Route*> Router::route(Head* given, Request* request) {
  const Head& head = *given;
  if (auto problem = problem_with_head(head.method, head.target, head.headers, head.version, config_.limits))
    return *problem;
  if (!split_target(head.target, &request->path, &request->query))
    return make_problem(400, "This is not an address that this server could have.");
  const auto now = RateLimiter::Clock::now();
  const std::string client = client_key(head.remote_address);
  if (const int seconds = requests_.take(client, now)) return too_many(seconds);
  const Route* route = find(request->path);
  if (!route) return make_problem(404, "There is nothing at this address.");
  if (head.method == "OPTIONS") return options(*route);
  if (!allows(*route, head.method))
    return make_problem(405, "This address does not take that method.", {{"Allow", joined_methods(*route)}});
  if (auto problem = problem_with_access(*route, head, *request, client, now)) return *problem;
  if (const auto posts = posts_.find(route); posts != posts_.end() && !is_reading(head.method)) {
    if (const int seconds = posts->second.take(client, now)) return too_many(seconds);
  }
  if (head.content_length > route->max_body) return make_problem(413, "The body is larger than this address takes.");
  request->method = head.method;
  request->remote_address = head.remote_address;
  request->secure = head.secure;
  std::copy_if(head.headers.begin(), head.headers.end(), std::back_inserter(request->headers),
               [](const Header& header) { return !secret_header(header.first); });
  if (route->names_client) name_client(given, request);
  return route;
}

Headers Router::common_headers(const Head& head) const {
  Headers headers = {{"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"}};
  if (!head.given_cookie.empty()) headers.emplace_back("Set-Cookie", head.given_cookie);
  const std::string_view origin = value_of(head.headers, "Origin");
  if (!origin.empty()) {
    headers.emplace_back("Vary", "Origin");
    if (access_.origin_allowed(origin, value_of(head.headers, "Host"))) {
      headers.emplace_back("Access-Control-Allow-Origin", origin);
      headers.emplace_back("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Post, Retry-After");
    }
  }
  return headers;
}

}  // namespace liveedit::streaming::http
