// SPDX-License-Identifier: LGPL-2.1-or-later
// What livehttpsink answers at which address.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "streaming/http/server.h"
#include "streaming/http_sink/hls_stream.h"
#include "streaming/http_sink/picture_feed.h"

namespace liveedit::streaming {

// /, /stream, /snapshot.jpg, /index.m3u8 and what lies below /hls/. `hls` may be null: then there is none.
std::vector<http::Route> live_http_routes(std::shared_ptr<PictureFeed> pictures, std::shared_ptr<HlsStream> hls,
                                          guint hls_bitrate);

// The page and its script and style (made from page/ at configure time).
std::vector<http::Route> page_routes();

}  // namespace liveedit::streaming
