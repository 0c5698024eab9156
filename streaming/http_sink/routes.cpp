// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/routes.h"

#include <cstdlib>

#include <openssl/crypto.h>

#include "streaming/http/io_thread.h"
#include "streaming/http/random_name.h"

namespace liveedit::streaming {
namespace {

using http::Access;
using http::Request;
using http::ResponderPtr;
using http::Response;
using http::Route;

// How long a viewer of HLS waits for the encoder to start before it is told to come again.
constexpr std::chrono::milliseconds kHlsPatience{10000};
constexpr std::string_view kPlaylistType = "application/vnd.apple.mpegurl";

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

Response playlist_response(std::string text) {
  return http::make_response(200, kPlaylistType, std::move(text), {{"Cache-Control", "no-cache"}});
}

// The segments lie under a name that only the playlist tells, so that players need no token for them.
class HlsRoutes {
 public:
  HlsRoutes(std::shared_ptr<HlsStream> stream, guint bitrate)
      : stream_(std::move(stream)), folder_("/hls/" + http::random_name() + "/") {
    // BANDWIDTH is the peak: the video with some room, the sound, and what the container adds.
    master_ = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=" +
              std::to_string((static_cast<uint64_t>(bitrate) * 13 / 10 + 160) * 1000) + "\n" + folder_ + "live.m3u8\n";
  }

  void serve_master(const ResponderPtr& responder) {
    // Players fetch the playlist next: the encoder starts already.
    wait_for_playlist(responder, [text = master_](const std::string&) { return playlist_response(text); });
  }

  void serve_file(const Request& request, const ResponderPtr& responder) {
    const bool below =
        request.path.size() > folder_.size() && CRYPTO_memcmp(request.path.data(), folder_.data(), folder_.size()) == 0;
    const std::string name = below ? request.path.substr(folder_.size()) : "";
    uint64_t number = 0;
    if (name == "live.m3u8") {
      wait_for_playlist(responder, [](const std::string& text) { return playlist_response(text); });
    } else if (http::Bytes data; parse_hls_segment_name(name, &number) && (data = stream_->segment(number))) {
      Response response;
      response.body = std::move(data);
      response.mime = "video/mp2t";
      response.headers = {{"Cache-Control", "max-age=3600, immutable"}};
      responder->send(std::move(response));
    } else {
      responder->send(http::make_problem(404, "There is no such part of the stream (any more)."));
    }
  }

 private:
  void wait_for_playlist(const ResponderPtr& responder, std::function<Response(const std::string&)> answer) {
    stream_->ask([responder, answer = std::move(answer), patience = lose_patience(responder)](
                     const std::string& playlist) { responder->send(answer(playlist)); });
  }

  std::shared_ptr<void> lose_patience(const ResponderPtr& responder) {
    return http::IoThread::get()->run_after(kHlsPatience, [weak = std::weak_ptr(responder)] {
      if (const auto waiting = weak.lock())
        waiting->send(http::make_problem(503, "There is no stream yet.", {{"Retry-After", "2"}}));
    });
  }

  const std::shared_ptr<HlsStream> stream_;
  const std::string folder_;
  std::string master_;
};

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
