// SPDX-License-Identifier: LGPL-2.1-or-later
// A client of sd-fastvideo's protocol: a control socket (options, {"ready":true}), a data socket (JPEG data URLs in,
// JPEGs out), and one session for both. I/O thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/session/session.h"

namespace liveedit::server {

// A JPEG in a data URL, as text. Empty: it is none.
std::string jpeg_of_data_url(std::string_view url);

class FastVideo {
 public:
  // The events of the socket that has just been opened.
  // `facts`: a JSON object with what the model runs with.
  static streaming::http::WebSocketEvents control(const std::shared_ptr<Session>& session,
                                                  const std::shared_ptr<streaming::http::WebSocket>& socket,
                                                  const ParameterTable& table, const std::string& facts,
                                                  size_t message_bytes);
  // Pictures of that quality go to it.
  static streaming::http::WebSocketEvents data(const std::shared_ptr<Session>& session,
                                               const std::shared_ptr<streaming::http::WebSocket>& socket, int quality);
};

}  // namespace liveedit::server
