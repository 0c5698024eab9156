// SPDX-License-Identifier: LGPL-2.1-or-later
// One client. Everything here runs on the I/O thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "streaming/http/router.h"
#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// What the connections of one server share.
struct Serving {
  ServerConfig config;
  std::unique_ptr<Router> router;
  std::shared_ptr<boost::asio::ssl::context> tls;  // null: plain
  std::atomic<uint64_t> requests{0}, refused{0}, bytes_sent{0};
};

class Connection {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~Connection() = default;
  // Serves until the end; `on_end` is the last thing that happens.
  virtual void run(std::function<void(Connection*)> on_end) = 0;
  // Whoever has been silent for too long is cut off. Called several times a second.
  virtual void check_deadline(Clock::time_point now) = 0;
  // Ends it soon; `on_end` follows.
  virtual void close() = 0;
};

// `crowded`: its one request is answered with 503.
std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<Serving> serving,
                                            std::string remote_address, bool crowded);

}  // namespace liveedit::streaming::http
