// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/routes.h"

#include <cstdlib>

#include "streaming/http_sink/hls_routes.h"

namespace liveedit::streaming {
namespace {

using http::Access;
using http::Request;
using http::ResponderPtr;
using http::Response;
using http::Route;

Route get(std::string path, Access access, http::Handler handler) {
  Route route;
  route.path = std::move(path);
  route.methods = {"GET"};
  route.access = access;
  route.handler = std::move(handler);
  return route;
}

// max_fps=1 to 120 in the query; 0: as many as there are. false: not a number.
bool parse_max_fps(const Request& request, double* fps) {
  *fps = 0;
  const auto text = request.query_parameter("max_fps");
  if (!text) return request.query.find("max_fps") == std::string::npos;
  char* end = nullptr;
  const std::string number(*text);
  *fps = g_ascii_strtod(number.c_str(), &end);
  return end && *end == '\0' && *fps >= 1 && *fps <= 120;
}

void serve_stream(PictureFeed* pictures, const Request& request, const ResponderPtr& responder) {
  double max_fps = 0;
  if (!parse_max_fps(request, &max_fps)) {
    responder->send(http::make_problem(422, "max_fps is a number from 1 to 120."));
    return;
  }
  Response response;
  response.mime = "multipart/x-mixed-replace;boundary=frame";
  response.stream_capacity = PictureFeed::kViewerQueue;
  response.headers = {{"Cache-Control", "no-cache, no-store, no-transform"}, {"X-Accel-Buffering", "no"}};
  if (auto stream = responder->start_stream(std::move(response))) pictures->add_viewer(std::move(stream), max_fps);
}

void serve_snapshot(PictureFeed* pictures, const ResponderPtr& responder) {
  pictures->ask([responder](http::Bytes jpeg) {
    if (!jpeg) {
      responder->send(http::make_problem(503, "There is no picture yet.", {{"Retry-After", "1"}}));
      return;
    }
    Response response;
    response.body = std::move(jpeg);
    response.mime = "image/jpeg";
    response.headers = {{"Cache-Control", "no-cache, no-store"}};
    responder->send(std::move(response));
  });
}

}  // namespace

std::vector<Route> live_http_routes(std::shared_ptr<PictureFeed> pictures, std::shared_ptr<HlsStream> hls,
                                    guint hls_bitrate) {
  std::vector<Route> routes = page_routes();
  routes.push_back(get("/stream", Access::kMedia, [pictures](const Request& request, const ResponderPtr& responder) {
    serve_stream(pictures.get(), request, responder);
  }));
  routes.push_back(get("/snapshot.jpg", Access::kMedia, [pictures](const Request&, const ResponderPtr& responder) {
    serve_snapshot(pictures.get(), responder);
  }));
  if (hls) {
    const auto files = std::make_shared<HlsRoutes>(std::move(hls), hls_bitrate);
    routes.push_back(get("/index.m3u8", Access::kMedia,
                         [files](const Request&, const ResponderPtr& responder) { files->serve_master(responder); }));
    // Open: who knows the folder's name has been given it.
    routes.push_back(get("/hls/", Access::kOpen, [files](const Request& request, const ResponderPtr& responder) {
      files->serve_file(request, responder);
    }));
  }
  return routes;
}

}  // namespace liveedit::streaming
