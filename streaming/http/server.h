// SPDX-License-Identifier: LGPL-2.1-or-later
// An HTTP/1.1 server for elements. All servers of a process share one I/O thread. Nothing here includes Boost.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "streaming/http/message.h"
#include "streaming/http/websocket.h"

namespace liveedit::streaming::http {

// What one client may do. Each limit n admits n and refuses n + 1.
struct Limits {
  size_t header_bytes = 16 * 1024;  // request line and headers: 431
  size_t header_fields = 64;        // 431
  size_t target_bytes = 2048;       // path and query: 414
  size_t connections = 512;         // of the server: 503 with Retry-After, then closed
  size_t connections_per_address = 256;
  size_t requests_per_connection = 1000;  // then Connection: close
  double requests_per_second = 100;       // of one address (IPv6: one /64), all routes together: 429
  double request_burst = 400;
  size_t failed_logins = 5;                      // wrong tokens of one address within a minute: 429
  std::chrono::milliseconds header_time{5000};   // from the first byte to the end of the headers: 408
  std::chrono::milliseconds body_time{10000};    // 408
  std::chrono::milliseconds idle_time{30000};    // between requests of one connection; then closed
  std::chrono::milliseconds write_time{30000};   // one response, or one chunk of an endless one; then closed
  std::chrono::milliseconds answer_time{20000};  // for a handler to answer: 504
};

struct ServerConfig {
  std::string bind_address = "127.0.0.1";  // an address of this machine, not a name
  int port = 8080;                         // 0 to 65535; 0: any that is free
  std::string token;                       // empty: no authentication
  bool insecure = false;                   // allows an address that others can reach without a token
  std::string tls_certificate;             // PEM file, with its chain; empty: no TLS
  std::string tls_private_key;             // PEM file; empty: in the certificate's file
  // Web origins whose pages may use this server, separated by commas, or "*". Empty: with a token every origin (a page
  // must know the token), without one only pages of this machine.
  std::string allowed_origins;
  Limits limits;
};

// How a request becomes an answer. Copies refer to the same request. From any thread, at any time, exactly once.
class Responder {
 public:
  virtual ~Responder() = default;
  // false: the client has gone (or was answered already), so what was made for it may go too.
  virtual bool send(Response response) = 0;
  // Sends the headers of an endless response (response.stream_capacity > 0) and gives its body; null: the client has
  // gone. HEAD is answered with the headers alone: null, too.
  virtual std::shared_ptr<BodyStream> start_stream(Response response) = 0;
};
// When the last reference goes without an answer, the client gets 500.
using ResponderPtr = std::shared_ptr<Responder>;

// Runs on the I/O thread and must not block: what takes longer goes to another thread together with the responder.
using Handler = std::function<void(const Request& request, ResponderPtr responder)>;

enum class Access {
  kToken,  // Authorization: Bearer, on every method but OPTIONS
  kMedia,  // kToken; for GET and HEAD also a ticket or the cookie that POST /ticket gave (what <img>, <video> and
           // players can do)
  kPage,   // kMedia; that cookie also for other methods, where a page of this server's own origin asks
  kOpen,   // everybody: pages and scripts
};

struct RateLimit {
  double per_second = 0;  // of one address; 0: only the server's own limit
  double burst = 0;
};

struct Route {
  std::string path;                  // "/whep", or with a slash at its end everything below: "/whep/"
  std::vector<std::string> methods;  // HEAD comes with GET; OPTIONS is the server's; others: 405 with Allow
  Handler handler;
  Access access = Access::kToken;
  // Tells one client from another: Request::client is set, by a cookie that the answer gives to those who have none.
  bool names_client = false;
  size_t max_body = 0;      // bytes; more: 413. Encoded bodies are refused: 415
  RateLimit post_rate;      // on everything but GET, HEAD and OPTIONS: 429 with Retry-After
  Headers options_headers;  // further headers of the answer to OPTIONS, such as Accept-Post
  // Set: the address is a WebSocket, and `handler` is not used. `methods` is {"GET"}; pages of other origins are
  // refused as they are for POST.
  WebSocketHandler websocket;
  size_t max_message = 64 * 1024;  // bytes of one message of the client; more ends the WebSocket: 1009
};

struct ServerStats {
  uint64_t requests = 0, refused = 0, bytes_sent = 0;
  size_t connections = 0;
};

// A listening address with its routes. With a token the server adds POST /ticket (see docs/streaming.md).
// start() and stop() are not for the I/O thread.
class Server {
 public:
  virtual ~Server() = default;  // stops
  // Throws Error: bad settings, unreadable TLS files, the address cannot be bound, a public one without a token.
  static std::shared_ptr<Server> start(const ServerConfig& config, std::vector<Route> routes);
  // Ends every connection and returns when no handler runs or will run. Answers still due are dropped (their send()
  // gives false).
  virtual void stop() = 0;
  virtual int port() const = 0;         // the one really bound
  virtual std::string url() const = 0;  // "http://127.0.0.1:8080", fit for a browser on this machine
  virtual ServerStats stats() const = 0;
};

// Throws Error where `config` cannot work, and binds nothing.
void check_config(const ServerConfig& config);

}  // namespace liveedit::streaming::http
