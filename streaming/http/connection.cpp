// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/connection.h"

#include <netinet/tcp.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "streaming/http/asio_names.h"
#include "streaming/http/exchange.h"
#include "streaming/http/response_head.h"
#include "streaming/http/websocket_connection.h"

#include "streaming/http/log.h"

namespace liveedit::streaming::http {
namespace {

namespace beast = boost::beast;
using Parser = beast::http::request_parser<beast::http::string_body>;

// After a refusal the rest of what the client sends is read for so long, because closing at once would take the answer
// back. Who has read it closes; who is slow, or sends a long body over a slow line, needs the time.
constexpr std::chrono::milliseconds kLingerTime{5000};
constexpr size_t kLingerBytes = 16 * 1024 * 1024;
// Less of an endless body waits in the kernel, so that a slow viewer sees the newest picture and costs little memory.
constexpr int kUnsentBytes = 128 * 1024;
// A viewer of an endless body has nothing more to say.
constexpr size_t kChatterBytes = 16 * 1024;

// GCC 12 makes no coroutine of a function with these lists in a co_await.
Response server_is_full() {
  return make_problem(503, "The server is full.", {{"Retry-After", "5"}});
}

Response wants_websocket() {
  return make_problem(426, "This address is a WebSocket.", {{"Upgrade", "websocket"}});
}

// After what was not understood nothing that follows can be.
bool ends_connection(int status) {
  return status == 400 || status == 413 || status == 414 || status == 415 || status == 431 || status == 501 ||
         status == 505;
}

Response problem_with_body(const error_code& error, bool timed_out) {
  if (timed_out) return make_problem(408, "The body did not arrive in time.");
  if (error == beast::http::error::body_limit) return make_problem(413, "The body is larger than this address takes.");
  return make_problem(400, "The body is not well-formed.");
}

template <typename Stream>
class StreamConnection : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  StreamConnection(Stream stream, std::shared_ptr<Serving> serving, std::string remote_address, bool crowded)
      : stream_(std::move(stream)),
        serving_(std::move(serving)),
        remote_address_(std::move(remote_address)),
        crowded_(crowded),
        wake_(stream_.get_executor(), Clock::time_point::max()),
        buffer_(limits().header_bytes + 64 * 1024) {}

  void run(std::function<void(Connection*)> on_end) override {
    auto self = this->shared_from_this();
    asio::co_spawn(
        stream_.get_executor(), [self] { return self->serve(); },
        [self, on_end = std::move(on_end)](std::exception_ptr problem) {
          if (problem) GST_WARNING("a connection from %s ended by an exception", self->remote_address_.c_str());
          error_code ignored;
          self->socket().close(ignored);
          on_end(self.get());
        });
  }

  void check_deadline(Clock::time_point now) override {
    if (now < deadline_) return;
    deadline_ = Clock::time_point::max();
    timed_out_ = true;
    error_code ignored;
    if (may_answer_late_) {
      socket().cancel(ignored);
    } else {
      socket().close(ignored);
    }
    wake_up();
  }

  void close() override {
    closing_ = true;
    error_code ignored;
    socket().close(ignored);
    wake_up();
  }

 private:
  const Limits& limits() const { return serving_->config.limits; }
  tcp::socket& socket() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  // What happens from here on takes `time` at most. `may_answer`: a client that takes longer is still told so.
  void allow(std::chrono::milliseconds time, bool may_answer = false) {
    deadline_ = Clock::now() + time;
    may_answer_late_ = may_answer;
    timed_out_ = false;
  }
  void wake_up() {
    woken_ = true;
    wake_.cancel();
  }
  Wake make_wake() {
    return [executor = stream_.get_executor(), weak = this->weak_from_this()] {
      asio::post(executor, [weak] {
        if (auto self = weak.lock()) self->wake_up();
      });
    };
  }
  asio::awaitable<void> sleep() {
    error_code ignored;
    while (!woken_) co_await wake_.async_wait(result_in(ignored));
    woken_ = false;
  }

  asio::awaitable<void> serve();
  asio::awaitable<bool> shake_hands();
  asio::awaitable<bool> serve_request(size_t number);
  asio::awaitable<bool> read_head(Parser* parser, error_code* error);
  asio::awaitable<bool> refuse_head(const error_code& error);
  asio::awaitable<bool> read_body(Parser* parser, error_code* error);
  asio::awaitable<bool> answer(const Route& route, Request request, const Head& head, bool keep_alive);
  asio::awaitable<bool> become_websocket(Parser* parser, const Route& route, Request request, const Head& head);
  asio::awaitable<bool> send(const Response& response, const Head& head, bool keep_alive);
  asio::awaitable<bool> refuse(const Response& response, const Head& head);
  asio::awaitable<void> send_endless(std::shared_ptr<EndlessBody> body);
  asio::awaitable<void> watch_viewer(std::shared_ptr<EndlessBody> body);
  asio::awaitable<void> linger();
  Head head_of(const Parser& parser) const;

  Stream stream_;
  const std::shared_ptr<Serving> serving_;
  const std::string remote_address_;
  const bool crowded_;
  asio::steady_timer wake_;
  beast::flat_buffer buffer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool may_answer_late_ = false, timed_out_ = false, closing_ = false, woken_ = false;
};

template <typename Stream>
asio::awaitable<void> StreamConnection<Stream>::serve() {
  if (!co_await shake_hands()) co_return;
  for (size_t number = 1; !closing_; ++number) {
    if (!co_await serve_request(number)) break;
  }
}

template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::shake_hands() {
  error_code error;
  socket().set_option(tcp::no_delay(true), error);
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    allow(limits().header_time);
    co_await stream_.async_handshake(asio::ssl::stream_base::server, result_in(error));
    if (error) GST_DEBUG("%s: no TLS handshake: %s", remote_address_.c_str(), error.message().c_str());
    co_return !error;
  }
  co_return true;
}

// One request and its answer. false: the connection is to end.
template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::serve_request(size_t number) {
  Parser parser;
  // Beast's count is not exact; the router's is.
  parser.header_limit(limits().header_bytes + 1024);
  parser.body_limit(boost::none);  // the route decides, once it is known
  error_code error;
  if (!co_await read_head(&parser, &error)) co_return false;
  if (error) co_return co_await refuse_head(error);
  ++serving_->requests;
  Head head = head_of(parser);
  if (crowded_) co_return co_await refuse(server_is_full(), head);

  Request request;
  auto found = serving_->router->route(&head, &request);
  const bool has_body = !parser.is_done();
  if (Response* refusal = std::get_if<Response>(&found)) {
    GST_DEBUG("%s: %s %s: %d", remote_address_.c_str(), head.method.c_str(), request.path.c_str(), refusal->status);
    if (has_body || ends_connection(refusal->status)) co_return co_await refuse(*refusal, head);
    if (refusal->status >= 400) ++serving_->refused;
    co_return co_await send(*refusal, head, parser.keep_alive() && number < limits().requests_per_connection);
  }
  const Route& route = *std::get<const Route*>(found);
  if (route.websocket) co_return co_await become_websocket(&parser, route, std::move(request), head);
  parser.body_limit(route.max_body);
  if (has_body && !co_await read_body(&parser, &error)) {
    if (closing_) co_return false;
    co_return co_await refuse(problem_with_body(error, timed_out_), head);
  }
  request.body = std::move(parser.get().body());
  co_return co_await answer(route, std::move(request), head,
                            parser.keep_alive() && number < limits().requests_per_connection);
}

// false: nobody is there any more. Otherwise `*error` says whether the head is in order.
template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::read_head(Parser* parser, error_code* error) {
  if (buffer_.size() == 0) {
    allow(limits().idle_time);
    const size_t read = co_await stream_.async_read_some(buffer_.prepare(4096), result_in(*error));
    if (*error) co_return false;
    buffer_.commit(read);
  }
  allow(limits().header_time, true);
  co_await beast::http::async_read_header(stream_, buffer_, *parser, result_in(*error));
  const bool gone = *error == asio::error::eof || *error == asio::error::connection_reset ||
                    *error == beast::http::error::end_of_stream;
  co_return !closing_ && !(gone && !timed_out_);
}

template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::refuse_head(const error_code& error) {
  Head head;
  head.method = "GET";
  int status = 400;
  if (timed_out_) {
    status = 408;
  } else if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
    status = 431;
  } else if (error.category() != make_error_code(beast::http::error::header_limit).category()) {
    co_return false;
  }
  GST_DEBUG("%s: no request: %s", remote_address_.c_str(), error.message().c_str());
  co_return co_await refuse(make_problem(status, "This is not a request that this server reads."), head);
}

template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::read_body(Parser* parser, error_code* error) {
  allow(limits().body_time, true);
  if (beast::iequals(parser->get()[beast::http::field::expect], "100-continue")) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(kContinue), result_in(*error));
    if (*error) co_return false;
  }
  co_await beast::http::async_read(stream_, buffer_, *parser, result_in(*error));
  co_return !*error;
}

template <typename Stream>
Head StreamConnection<Stream>::head_of(const Parser& parser) const {
  Head head;
  const auto& message = parser.get();
  head.method = message.method_string();
  head.target = message.target();
  head.version = message.version();
  for (const auto& field : message) head.headers.emplace_back(field.name_string(), field.value());
  head.content_length = parser.content_length().value_or(0);
  head.remote_address = remote_address_;
  head.secure = std::is_same_v<Stream, TlsStream>;
  return head;
}

// Calls the handler and waits for what it says, whenever and wherever it says it.
template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::answer(const Route& route, Request request, const Head& head,
                                                       bool keep_alive) {
  const auto exchange = std::make_shared<Exchange>(head.method == "HEAD", make_wake());
  try {
    route.handler(request, Exchange::make_responder(exchange));
  } catch (const std::exception& error) {
    GST_WARNING("%s %s: %s", request.method.c_str(), request.path.c_str(), error.what());
  }
  allow(limits().answer_time, true);
  while (!exchange->answered() && !timed_out_ && !closing_) co_await sleep();
  if (!exchange->answered()) {
    exchange->client_left();
    if (closing_) co_return false;
    co_return co_await send(make_problem(504, "The answer did not come in time."), head, false);
  }
  const Response response = exchange->take_response();
  GST_DEBUG("%s: %s %s: %d", remote_address_.c_str(), request.method.c_str(), request.path.c_str(), response.status);
  const std::shared_ptr<EndlessBody> body = exchange->body();
  const bool sent = co_await send(response, head, keep_alive && response.stream_capacity == 0);
  if (sent && body) co_await send_endless(body);
  exchange->client_left();
  co_return sent && !body;
}

// Not a request any more: the connection ends with the WebSocket.
template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::become_websocket(Parser* parser, const Route& route, Request request,
                                                                 const Head& head) {
  // Whoever speaks before the handshake is done does not speak WebSocket.
  if (!parser->is_done() || buffer_.size() > 0 || !asks_for_websocket(parser->get())) {
    const Response answer = wants_websocket();
    co_return co_await refuse(answer, head);
  }
  deadline_ = Clock::time_point::max();  // the WebSocket has its own
  co_await serve_websocket(stream_, this->shared_from_this(), parser->release(), route, std::move(request),
                           serving_->router->common_headers(head), limits());
  co_return false;
}

// false: the connection is to end.
template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::send(const Response& response, const Head& head, bool keep_alive) {
  const std::string text = response_head(response, serving_->router->common_headers(head), keep_alive);
  static const std::string kNoBody;
  const bool with_body = response.body && head.method != "HEAD";
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(text),
                                                  asio::buffer(with_body ? *response.body : kNoBody)};
  error_code error;
  allow(limits().write_time);
  serving_->bytes_sent += co_await asio::async_write(stream_, buffers, result_in(error));
  if (error || timed_out_) co_return false;
  if (!keep_alive && response.stream_capacity == 0) co_await linger();
  co_return keep_alive || response.stream_capacity > 0;
}

template <typename Stream>
asio::awaitable<bool> StreamConnection<Stream>::refuse(const Response& response, const Head& head) {
  ++serving_->refused;
  co_await send(response, head, false);
  co_return false;
}

template <typename Stream>
asio::awaitable<void> StreamConnection<Stream>::send_endless(std::shared_ptr<EndlessBody> body) {
  error_code error;
  const int unsent = kUnsentBytes;
  setsockopt(socket().native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  deadline_ = Clock::time_point::max();
  // The other half of the connection: whoever leaves is noticed even while no chunk comes.
  asio::co_spawn(
      stream_.get_executor(), [self = this->shared_from_this(), body] { return self->watch_viewer(body); },
      asio::detached);
  while (!closing_) {
    bool ended = false;
    const Bytes chunk = body->take(&ended);
    if (!chunk) {
      if (ended) break;
      co_await sleep();
      continue;
    }
    allow(limits().write_time);
    serving_->bytes_sent += co_await asio::async_write(stream_, asio::buffer(*chunk), result_in(error));
    deadline_ = Clock::time_point::max();
    if (error) break;
  }
  body->viewer_left();
  socket().shutdown(tcp::socket::shutdown_both, error);
}

template <typename Stream>
asio::awaitable<void> StreamConnection<Stream>::watch_viewer(std::shared_ptr<EndlessBody> body) {
  std::array<char, 1024> ignored;
  error_code error;
  for (size_t heard = 0; !error && heard < kChatterBytes;) {
    heard += co_await stream_.async_read_some(asio::buffer(ignored), result_in(error));
  }
  body->close();
  socket().close(error);
}

// Says that no more will come and hears the client out, within bounds.
template <typename Stream>
asio::awaitable<void> StreamConnection<Stream>::linger() {
  error_code error;
  allow(kLingerTime);
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    co_await stream_.async_shutdown(result_in(error));
  } else {
    socket().shutdown(tcp::socket::shutdown_send, error);
    buffer_.clear();
    for (size_t heard = 0; !error && heard < kLingerBytes;) {
      heard += co_await stream_.async_read_some(buffer_.prepare(16 * 1024), result_in(error));
    }
  }
}

}  // namespace

std::shared_ptr<Connection> make_connection(tcp::socket socket, std::shared_ptr<Serving> serving,
                                            std::string remote_address, bool crowded) {
  if (serving->tls) {
    TlsStream stream(std::move(socket), *serving->tls);
    return std::make_shared<StreamConnection<TlsStream>>(std::move(stream), std::move(serving),
                                                         std::move(remote_address), crowded);
  }
  return std::make_shared<StreamConnection<PlainStream>>(std::move(socket), std::move(serving),
                                                         std::move(remote_address), crowded);
}

}  // namespace liveedit::streaming::http
