// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_routes.h"

#include <openssl/crypto.h>

#include "streaming/http/io_thread.h"
#include "streaming/http/random_name.h"

namespace liveedit::streaming {
namespace {

using http::ResponderPtr;
using http::Response;

// How long a viewer waits for the encoder to start before it is told to come again.
constexpr std::chrono::milliseconds kPatience{10000};
constexpr std::string_view kPlaylistType = "application/vnd.apple.mpegurl";

Response playlist_response(std::string text) {
  return http::make_response(200, kPlaylistType, std::move(text), {{"Cache-Control", "no-cache"}});
}

// BANDWIDTH is the peak: the video with some room, the sound, and what the container adds.
std::string master_playlist(guint bitrate, const std::string& folder) {
  return "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=" +
         std::to_string((static_cast<uint64_t>(bitrate) * 13 / 10 + 160) * 1000) + "\n" + folder + "live.m3u8\n";
}

std::shared_ptr<void> lose_patience(const ResponderPtr& responder) {
  return http::IoThread::get()->run_after(kPatience, [weak = std::weak_ptr(responder)] {
    if (const auto waiting = weak.lock())
      waiting->send(http::make_problem(503, "There is no stream yet.", {{"Retry-After", "2"}}));
  });
}

}  // namespace

HlsRoutes::HlsRoutes(std::shared_ptr<HlsStream> stream, guint bitrate)
    : stream_(std::move(stream)),
      folder_("/hls/" + http::random_name() + "/"),
      master_(master_playlist(bitrate, folder_)) {}

void HlsRoutes::serve_master(const ResponderPtr& responder) {
  // Players fetch the playlist next: the encoder starts already.
  wait_for_playlist(responder, [text = master_](const std::string&) { return playlist_response(text); });
}

void HlsRoutes::serve_file(const http::Request& request, const ResponderPtr& responder) {
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

void HlsRoutes::wait_for_playlist(const ResponderPtr& responder,
                                  std::function<Response(const std::string& playlist)> answer) {
  stream_->ask([responder, answer = std::move(answer), patience = lose_patience(responder)](
                   const std::string& playlist) { responder->send(answer(playlist)); });
}

}  // namespace liveedit::streaming
