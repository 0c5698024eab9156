// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/routes.h"

#include <cmath>

#include <glib.h>
#include <nlohmann/json.hpp>

#include "server/edge/health.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using http::Access;
using http::Request;
using http::ResponderPtr;
using http::Route;
using Json = nlohmann::ordered_json;

constexpr double kDefaultMaxFps = 30, kMostFps = 240;

Route get(std::string path, Access access, http::Handler handler) {
  Route route;
  route.path = std::move(path);
  route.methods = {"GET"};
  route.access = access;
  route.handler = std::move(handler);
  return route;
}

void send_json(const ResponderPtr& responder, int status, std::string body) {
  responder->send(http::make_response(status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}));
}

std::string after(const std::string& path, const Route& route) {
  return path.substr(route.path.size());
}

// A number in the query; `*value` stays what it is where there is none. false: there is something else.
bool read_number(const Request& request, std::string_view name, double* value) {
  const auto text = request.query_parameter(name);
  if (!text) return ("&" + request.query).find("&" + std::string(name)) == std::string::npos;
  const std::string number(*text);
  char* end = nullptr;
  const double read = g_ascii_strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !std::isfinite(read)) return false;
  *value = read;
  return true;
}

void serve_stream(const Config& config, Sessions* sessions, const std::string& user, const Request& request,
                  const ResponderPtr& responder) {
  double quality = config.performance.jpeg_quality, max_fps = kDefaultMaxFps;
  if (!read_number(request, "quality", &quality) || quality != std::floor(quality) || quality < 1 || quality > 100)
    return void(responder->send(http::make_problem(422, "quality is a whole number from 1 to 100.")));
  if (!read_number(request, "max_fps", &max_fps) || max_fps > kMostFps)
    return void(responder->send(http::make_problem(422, "max_fps is a number up to 240; 0: as many as there are.")));
  const auto session = sessions->find(user);
  if (!session) return void(responder->send(http::make_problem(404, "There is no session of this user.")));
  if (session->viewers().count() >= static_cast<size_t>(config.limits.viewers_per_session))
    return void(responder->send(
        http::make_problem(503, "This session has as many viewers as it may have.", {{"Retry-After", "5"}})));
  http::Response response;
  response.mime = "multipart/x-mixed-replace;boundary=frame";
  response.stream_capacity = Viewers::kViewerQueue;
  response.headers = {{"Cache-Control", "no-cache, no-store, no-transform"}, {"X-Accel-Buffering", "no"}};
  if (auto stream = responder->start_stream(std::move(response)))
    session->viewers().add(std::move(stream), static_cast<int>(quality), std::max(0.0, max_fps), Clock::now());
}

Route websocket_route(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  Route route;
  route.path = "/api/ws/";
  route.methods = {"GET"};
  route.access = Access::kMedia;
  route.max_message = static_cast<size_t>(std::max(config.limits.image_bytes, config.limits.message_bytes));
  route.websocket = [sessions, route](const Request& request, std::shared_ptr<http::WebSocket> socket) {
    return sessions->connect(after(request.path, route), request.query_parameter("mode").value_or(""),
                             std::move(socket));
  };
  return route;
}

}  // namespace

std::vector<Route> server_routes(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  std::vector<Route> routes = page_routes();
  routes.push_back(websocket_route(config, sessions));
  Route stream = get("/api/stream/", Access::kMedia, nullptr);
  stream.handler = [config, sessions, stream](const Request& request, const ResponderPtr& responder) {
    serve_stream(config, sessions.get(), after(request.path, stream), request, responder);
  };
  routes.push_back(stream);
  routes.push_back(get("/api/settings", Access::kMedia, [sessions](const Request&, const ResponderPtr& responder) {
    send_json(responder, 200, sessions->settings());
  }));
  routes.push_back(get("/api/queue", Access::kMedia, [sessions](const Request&, const ResponderPtr& responder) {
    send_json(responder, 200, Json{{"queue_size", sessions->connected()}}.dump());
  }));
  // What watches over the server has no token.
  routes.push_back(get("/health", Access::kOpen, [sessions](const Request&, const ResponderPtr& responder) {
    const Readiness readiness = sessions->readiness();
    send_json(responder, readiness.model_loaded ? 200 : 503, health_json(readiness));
  }));
  routes.push_back(get("/api/health", Access::kOpen, [sessions](const Request&, const ResponderPtr& responder) {
    const Readiness readiness = sessions->readiness();
    send_json(responder, readiness.model_loaded ? 200 : 503, session_health_json(readiness));
  }));
  routes.push_back(get("/metrics", Access::kToken, [sessions](const Request&, const ResponderPtr& responder) {
    responder->send(
        http::make_response(200, "text/plain; version=0.0.4", metrics_text(sessions->totals(), sessions->readiness())));
  }));
  return routes;
}

}  // namespace liveedit::server
