// SPDX-License-Identifier: LGPL-2.1-or-later
// For the .cpp files of this room only: a connection that has become a WebSocket.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "streaming/http/asio_names.h"
#include "streaming/http/server.h"

namespace liveedit::streaming::http {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Whether a request asks to become a WebSocket.
bool asks_for_websocket(const UpgradeRequest& request);

// Does the handshake and serves until either side ends it. `connection` owns `stream` and is kept until then. `common`:
// headers of the answer.
template <typename Stream>
asio::awaitable<void> serve_websocket(Stream& stream, std::shared_ptr<void> connection, UpgradeRequest upgrade,
                                      const Route& route, Request request, Headers common, Limits limits);

extern template asio::awaitable<void> serve_websocket(PlainStream&, std::shared_ptr<void>, UpgradeRequest, const Route&,
                                                      Request, Headers, Limits);
extern template asio::awaitable<void> serve_websocket(TlsStream&, std::shared_ptr<void>, UpgradeRequest, const Route&,
                                                      Request, Headers, Limits);

}  // namespace liveedit::streaming::http
