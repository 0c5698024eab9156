// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/routes.h"

#include "server/edge/document_routes.h"
#include "server/edge/fast_video_routes.h"
#include "server/edge/frame_routes.h"
#include "server/edge/health_routes.h"
#include "server/edge/reference_routes.h"
#include "server/edge/request_routes.h"

namespace liveedit::server {

using streaming::http::Route;

std::vector<Route> server_routes(const Config& config, const std::shared_ptr<Sessions>& sessions,
                                 const std::shared_ptr<Media>& media) {
  std::vector<Route> routes = page_routes();
  const auto add = [&routes](std::vector<Route> more) {
    for (Route& route : more) routes.push_back(std::move(route));
  };
  add(frame_routes(config, sessions));
  add(media->routes());
  add(request_routes(config, sessions));
  add(reference_routes(config, sessions));
  add(fast_video_routes(config, sessions));
  add(health_routes(sessions));
  add_document(config, &routes);
  return routes;
}

}  // namespace liveedit::server
