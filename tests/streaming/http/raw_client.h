// SPDX-License-Identifier: LGPL-2.1-or-later
// A client that sends bytes as they are, so that it can be wrong on purpose.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "streaming/http/server.h"

namespace liveedit::streaming::http::testing {

struct Answer {
  int status = 0;  // 0: the server closed without an answer
  std::string head, body;
  bool keep_alive = false;
  // The value of a header; empty if there is none.
  std::string header(std::string_view name) const;
};

class RawClient {
 public:
  explicit RawClient(int port, const char* from = "127.0.0.1");
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return socket_ >= 0; }
  // false: the server has closed.
  bool send(std::string_view bytes);
  // The next answer, by its Content-Length; `head_only`: it is to HEAD.
  Answer receive(bool head_only = false);
  // Reads until `wanted` bytes are there or the server closes.
  std::string read(size_t wanted);
  // Whether the server closes within `limit`; what it sends until then is dropped.
  bool closes_within(std::chrono::milliseconds limit);
  void small_receive_buffer();
  int descriptor() const { return socket_; }

 private:
  bool fill();
  int socket_ = -1;
  std::string buffer_;
};

// A server with GET /hello, POST /echo (at most 1000 bytes), /who (which client asks), GET /never (no answer), /later
// (from another thread), /throws, /drop (responder dropped), /injected (a header with a line break), /stream (the last
// stream is in `stream`).
struct TestServer {
  explicit TestServer(ServerConfig config = {});
  ~TestServer();
  Answer ask(std::string_view request);  // on a connection of its own
  Answer get(std::string_view path, std::string_view headers = "");

  std::shared_ptr<BodyStream> wait_for_stream();
  bool has_stream() const;

  struct Shared;
  std::shared_ptr<Shared> shared;
  std::shared_ptr<Server> server;
};

ServerConfig any_port();
int open_descriptors();
int running_threads();
long resident_kilobytes();

}  // namespace liveedit::streaming::http::testing
