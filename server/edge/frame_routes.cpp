// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/frame_routes.h"

#include <cmath>

#include <glib.h>
#include <nlohmann/json.hpp>

#include "server/edge/route_parts.h"

namespace liveedit::server {
namespace {

constexpr double kDefaultMaxFps = 30, kMostFps = 240;

// A number in the query; `*value` stays what it is where there is none. false: there is something else.
bool read_number(const Request& request, std::string_view name, double* value) {
  const auto text = request.query_parameter(name);
  if (!text) return !has_parameter(request, name);
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
    return send_problem(responder, 422, "quality is a whole number from 1 to 100.");
  if (!read_number(request, "max_fps", &max_fps) || max_fps > kMostFps)
    return send_problem(responder, 422, "max_fps is a number up to 240; 0: as many as there are.");
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
  route.names_client = true;
  route.methods = {"GET"};
  route.access = Access::kMedia;
  route.max_message = static_cast<size_t>(std::max(config.limits.image_bytes, config.limits.message_bytes));
  route.websocket = [sessions, route](const Request& request, std::shared_ptr<http::WebSocket> socket) {
    return sessions->connect(after(request.path, route), request.query_parameter("mode").value_or(""),
                             Caller::of(request), std::move(socket));
  };
  return route;
}

Json about(const Session& session) {
  return {{"user_id", session.user()},
          {"connected", session.connected()},
          {"served", session.served()},
          {"mode", session.mode()},
          {"frames_received", session.stats().frames_in},
          {"frames_edited", session.stats().frames_out}};
}

Route stream_route(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  Route route = get_route("/api/stream/", Access::kMedia, nullptr);
  route.handler = [config, sessions, route](const Request& request, const ResponderPtr& responder) {
    serve_stream(config, sessions.get(), after(request.path, route), request, responder);
  };
  return route;
}

Route session_route(const std::shared_ptr<Sessions>& sessions) {
  Route route = get_route("/api/sessions/", Access::kToken, nullptr);
  route.handler = [sessions, route](const Request& request, const ResponderPtr& responder) {
    const auto session = sessions->find(after(request.path, route));
    if (!session) return send_problem(responder, 404, "There is no session of this user.");
    send_json(responder, 200, about(*session).dump());
  };
  return route;
}

}  // namespace

std::vector<Route> frame_routes(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  return {websocket_route(config, sessions),
          stream_route(config, sessions),
          get_route("/api/settings", Access::kMedia,
                    [sessions](const Request& request, const ResponderPtr& responder) {
                      const std::string_view mode = request.query_parameter("mode").value_or("");
                      if (has_parameter(request, "mode") && mode != "image" && mode != kFromText)
                        return send_problem(responder, 422, "mode is image or video.");
                      send_json(responder, 200, sessions->settings(mode));
                    }),
          get_route("/api/queue", Access::kMedia,
                    [sessions](const Request&, const ResponderPtr& responder) {
                      const Json queue = {{"queue_size", sessions->connected()}, {"waiting", sessions->waiting()}};
                      send_json(responder, 200, queue.dump());
                    }),
          session_route(sessions),
          get_route("/api/sessions", Access::kToken, [sessions](const Request&, const ResponderPtr& responder) {
            Json all = Json::array();
            sessions->for_each([&](const Session& session) { all.push_back(about(session)); });
            send_json(responder, 200, Json{{"sessions", all}}.dump());
          })};
}

}  // namespace liveedit::server
