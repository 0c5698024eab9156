// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "streaming/http/server.h"
#include "streaming/http_sink/hls_stream.h"

namespace liveedit::streaming {

// Answers for one HLS stream. Its playlist and segments lie below a path that has 128 random bits in it and that only
// the master playlist tells, so that players need no token for them.
class HlsRoutes {
 public:
  // `bitrate` of the video in kbit/s, for the master playlist.
  HlsRoutes(std::shared_ptr<HlsStream> stream, guint bitrate);

  const std::string& folder() const { return folder_; }  // "/hls/" + the random name + "/"

  // The master playlist, as soon as there is something to play; 503 where there is nothing for ten seconds. Starts the
  // encoder if it rests. Answers later, from any thread.
  void serve_master(const http::ResponderPtr& responder);

  // The media playlist or a segment: what is asked for below folder(); 404 for anything else.
  void serve_file(const http::Request& request, const http::ResponderPtr& responder);

 private:
  void wait_for_playlist(const http::ResponderPtr& responder,
                         std::function<http::Response(const std::string& playlist)> answer);

  const std::shared_ptr<HlsStream> stream_;
  const std::string folder_;
  const std::string master_;
};

}  // namespace liveedit::streaming
