// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/fast_video_routes.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "server/edge/gpu_list.h"
#include "server/edge/route_parts.h"
#include "server/session/fast_video.h"

namespace liveedit::server {
namespace {

// What its sessions are called: GET /api/stream/fastvideo-7 shows that of client 7.
constexpr const char* kUserPrefix = "fastvideo-";

using Serve = std::function<http::WebSocketEvents(const std::shared_ptr<Session>&, std::shared_ptr<http::WebSocket>)>;

// Null: the client has been sent away.
std::shared_ptr<Session> admit(Sessions* sessions, const std::string& id,
                               const std::shared_ptr<http::WebSocket>& socket) {
  const bool is_number =
      !id.empty() && id.size() <= 20 && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  std::string problem = "The id of a client is a whole number.";
  std::shared_ptr<Session> session;
  if (is_number) session = sessions->open(kUserPrefix + id, &problem);
  if (!session) {
    socket->send_text(nlohmann::ordered_json{{"ok", false}, {"message", problem}}.dump());
    socket->close(is_number ? http::kCloseTryLater : http::kClosePolicy, problem);
  }
  return session;
}

Route socket_route(const std::shared_ptr<Sessions>& sessions, const char* path, size_t max_message, Serve serve) {
  Route route;
  route.path = path;
  route.methods = {"GET"};
  route.access = Access::kMedia;
  route.max_message = max_message;
  route.websocket = [sessions, route, serve](const Request& request, std::shared_ptr<http::WebSocket> socket) {
    const auto session = admit(sessions.get(), after(request.path, route), socket);
    if (!session) return http::WebSocketEvents{[](std::string_view) {}, [](std::string_view) {}, [] {}};
    return serve(session, std::move(socket));
  };
  return route;
}

}  // namespace

std::vector<Route> fast_video_routes(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  const auto message_bytes = static_cast<size_t>(config.limits.message_bytes);
  const size_t url_bytes = (static_cast<size_t>(config.limits.image_bytes) / 3 + 1) * 4 + 64;
  return {
      socket_route(
          sessions, "/ws/", message_bytes,
          [sessions, message_bytes](const std::shared_ptr<Session>& session, std::shared_ptr<http::WebSocket> socket) {
            return FastVideo::control(session, socket, sessions->table(), sessions->readiness().facts, message_bytes);
          }),
      socket_route(sessions, "/data/", url_bytes,
                   [quality = config.performance.jpeg_quality](const std::shared_ptr<Session>& session,
                                                               std::shared_ptr<http::WebSocket> socket) {
                     return FastVideo::data(session, socket, quality);
                   }),
      get_route("/nvml", Access::kToken, [sessions](const Request&, const ResponderPtr& responder) {
        sessions->pool().post([responder](Codecs&) { send_json(responder, 200, gpu_list()); });
      })};
}

}  // namespace liveedit::server
