// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/reference_routes.h"

#include <nlohmann/json.hpp>

#include "server/edge/multipart.h"
#include "server/edge/route_parts.h"

namespace liveedit::server {
namespace {

constexpr const char* kMixed =
    "The model has no IP-Adapter, so the picture is mixed into each frame before the frame is edited, as much as "
    "blend_ratio says.";

using Owned = std::vector<std::shared_ptr<Session>>;

void send_outcome(const ResponderPtr& responder, int status, const char* outcome, std::string_view message) {
  const Json json = {{"status", outcome}, {"message", message}};
  send_json(responder, status, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void send_error(const ResponderPtr& responder, int status, std::string_view message) {
  send_outcome(responder, status, "error", message);
}

// The session that is named; without a name all of this caller's: the front-ends of this interface name none. Empty:
// the caller has been answered.
Owned sessions_meant(Sessions* sessions, const Request& request, const ResponderPtr& responder) {
  const Caller caller = Caller::of(request);
  if (!has_parameter(request, "user")) {
    Owned owned = sessions->owned_by(caller);
    if (owned.empty()) send_error(responder, 400, "You have no session here: connect first, or name it with ?user=.");
    return owned;
  }
  const std::string user(request.query_parameter("user").value_or(""));
  const auto session = sessions->find(user);
  if (!session) {
    send_error(responder, 400, "There is no session of this user.");
  } else if (!sessions->may_steer(user, caller)) {
    send_error(responder, 403, std::string(kBelongsToAnother) + ".");
  } else {
    return {session};
  }
  return {};
}

// Who asks later meanwhile, wins.
struct Order {
  std::weak_ptr<Session> session;
  uint64_t number;
};

void set_references(const std::vector<Order>& orders, const std::shared_ptr<ReferencePicture>& picture) {
  for (const Order& order : orders) {
    const auto session = order.session.lock();
    if (session) session->set_reference(order.number, picture ? std::make_shared<ReferencePicture>(*picture) : nullptr);
  }
}

std::vector<Order> next_orders(const Owned& owned) {
  std::vector<Order> orders;
  for (const auto& session : owned) orders.push_back({session, session->next_reference()});
  return orders;
}

void serve_reference(const Config& config, const std::shared_ptr<Sessions>& sessions, const Request& request,
                     const ResponderPtr& responder) {
  const auto part = request.content_type() == "multipart/form-data"
                        ? form_part(request.body, request.header("Content-Type").value_or(""), "file")
                        : std::nullopt;
  if (!part || part->empty())
    return send_error(responder, 400, "A form (multipart/form-data) with a picture in its part file is expected.");
  if (part->size() > static_cast<size_t>(config.limits.image_bytes))
    return send_error(responder, 413, "A picture has " + std::to_string(config.limits.image_bytes) + " bytes at most.");
  const Owned owned = sessions_meant(sessions.get(), request, responder);
  if (owned.empty()) return;
  sessions->pool().post([sessions, responder, orders = next_orders(owned), file = std::string(*part),
                         box = sessions->box()](Codecs& codecs) {
    try {
      const auto picture = std::make_shared<ReferencePicture>(&codecs.reader, file, box);
      sessions->post([responder, orders, picture] {
        set_references(orders, picture);
        send_outcome(responder, 200, "warning", kMixed);
      });
    } catch (const std::exception& problem) {
      send_error(responder, 422, problem.what());
    }
  });
}

void serve_clear(const std::shared_ptr<Sessions>& sessions, const Request& request, const ResponderPtr& responder) {
  const Owned owned = sessions_meant(sessions.get(), request, responder);
  if (owned.empty()) return;
  set_references(next_orders(owned), nullptr);
  send_outcome(responder, 200, "success", "Frames are edited as they come.");
}

}  // namespace

std::vector<Route> reference_routes(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  std::vector<Route> routes = {
      post_route("/api/ip_ref_image", static_cast<size_t>(config.limits.image_bytes) + kFormBytes,
                 [config, sessions](const Request& request, const ResponderPtr& responder) {
                   serve_reference(config, sessions, request, responder);
                 }),
      post_route("/api/ip_ref_image/clear", kFormBytes,
                 [sessions](const Request& request, const ResponderPtr& responder) {
                   serve_clear(sessions, request, responder);
                 })};
  for (Route& route : routes) route.names_client = true;
  return routes;
}

}  // namespace liveedit::server
