// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/health_routes.h"

#include "server/edge/gpu_list.h"
#include "server/edge/health.h"
#include "server/edge/route_parts.h"

namespace liveedit::server {

std::vector<http::Route> health_routes(const std::shared_ptr<Sessions>& sessions) {
  // What watches over the server has no token.
  return {get_route("/health", Access::kOpen,
                    [sessions](const Request&, const ResponderPtr& responder) {
                      const Readiness readiness = sessions->readiness();
                      send_json(responder, readiness.model_loaded ? 200 : 503, health_json(readiness));
                    }),
          get_route("/api/health", Access::kOpen,
                    [sessions](const Request&, const ResponderPtr& responder) {
                      const Readiness readiness = sessions->readiness();
                      send_json(responder, readiness.model_loaded ? 200 : 503, session_health_json(readiness));
                    }),
          get_route("/metrics", Access::kToken, [sessions](const Request&, const ResponderPtr& responder) {
            // Asking the driver takes a while.
            sessions->pool().post([responder, totals = sessions->totals(), readiness = sessions->readiness()](Codecs&) {
              responder->send(
                  http::make_response(200, "text/plain; version=0.0.4", metrics_text(totals, readiness, gpu_list())));
            });
          })};
}

}  // namespace liveedit::server
