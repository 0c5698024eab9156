// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/websocket_connection.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "streaming/http/websocket.h"

#include "streaming/http/log.h"

namespace liveedit::streaming::http {
namespace {

namespace beast = boost::beast;

// A large message leaves no large buffer behind.
constexpr size_t kKeptBuffer = 256 * 1024;

// What reader and writer share. On the I/O thread.
template <typename Stream>
struct Session : std::enable_shared_from_this<Session<Stream>> {
  Session(Stream& stream, std::shared_ptr<void> owner)
      : connection(std::move(owner)),
        socket(stream),
        wake(stream.get_executor(), Forever::max()),
        end(stream.get_executor(), Forever::max()) {}

  using Forever = asio::steady_timer::time_point;

  // From any thread.
  std::function<void()> make_wake() {
    return [executor = socket.get_executor(), weak = this->weak_from_this()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->wake_up();
      });
    };
  }
  void wake_up() {
    woken = true;
    wake.cancel();
  }
  // The writer's alone: whoever else waited here would take away what wakes it.
  asio::awaitable<void> sleep() {
    error_code ignored;
    while (!woken) co_await wake.async_wait(result_in(ignored));
    woken = false;
  }
  asio::awaitable<void> wait_for_writer() {
    error_code ignored;
    while (!writer_ended) co_await end.async_wait(result_in(ignored));
  }

  const std::shared_ptr<void> connection;  // owns the stream
  beast::websocket::stream<Stream&, false> socket;
  asio::steady_timer wake, end;
  bool woken = false, writer_ended = false;
  std::shared_ptr<OutgoingMessages> outgoing;
};

template <typename Stream>
asio::awaitable<void> write_messages(std::shared_ptr<Session<Stream>> session) {
  error_code error;
  while (!error) {
    const OutgoingMessages::Item item = session->outgoing->take();
    if (item.kind == OutgoingMessages::Item::kEnded) break;
    if (item.kind == OutgoingMessages::Item::kNothing) {
      co_await session->sleep();
    } else if (item.kind == OutgoingMessages::Item::kClose) {
      beast::websocket::close_reason reason(item.reason);
      reason.code = static_cast<uint16_t>(item.code);
      co_await session->socket.async_close(reason, result_in(error));
      break;
    } else {
      session->socket.text(item.kind == OutgoingMessages::Item::kText);
      co_await session->socket.async_write(asio::buffer(*item.bytes), result_in(error));
    }
  }
  session->writer_ended = true;
  session->end.cancel();
}

// One message after the other, until there are no more.
template <typename Stream>
asio::awaitable<void> read_messages(std::shared_ptr<Session<Stream>> session, const WebSocketEvents& events) {
  beast::flat_buffer buffer;
  error_code error;
  while (true) {
    co_await session->socket.async_read(buffer, result_in(error));
    if (error) break;
    const std::string_view data(static_cast<const char*>(buffer.data().data()), buffer.size());
    try {
      if (session->outgoing->open()) session->socket.got_text() ? events.on_text(data) : events.on_binary(data);
    } catch (const std::exception& problem) {
      GST_WARNING("a WebSocket's message: %s", problem.what());
      session->outgoing->close(kCloseFailure, "the server could not handle a message");
    }
    buffer.consume(buffer.size());
    if (buffer.capacity() > kKeptBuffer) buffer.shrink_to_fit();
  }
  GST_DEBUG("a WebSocket ends: %s", error.message().c_str());
}

}  // namespace

bool asks_for_websocket(const UpgradeRequest& request) {
  return beast::websocket::is_upgrade(request);
}

template <typename Stream>
asio::awaitable<void> serve_websocket(Stream& stream, std::shared_ptr<void> connection, UpgradeRequest upgrade,
                                      const Route& route, Request request, Headers common, Limits limits) {
  const auto session = std::make_shared<Session<Stream>>(stream, std::move(connection));
  auto& socket = session->socket;
  beast::websocket::stream_base::timeout timeout;
  timeout.handshake_timeout = limits.header_time;
  timeout.idle_timeout = limits.idle_time;
  timeout.keep_alive_pings = true;
  socket.set_option(timeout);
  socket.set_option(beast::websocket::stream_base::decorator([common](beast::websocket::response_type& answer) {
    for (const auto& [name, value] : common) answer.set(name, value);
  }));
  socket.read_message_max(route.max_message);
  socket.auto_fragment(false);
  error_code error;
  co_await socket.async_accept(upgrade, result_in(error));
  if (error) co_return;

  session->outgoing = std::make_shared<OutgoingMessages>(session->make_wake());
  const WebSocketEvents events = route.websocket(request, session->outgoing);
  // Who says goodbye has gone, though the connection may last: one that comes again at once is somebody new.
  auto leave = [session, &events, left = false]() mutable {
    if (std::exchange(left, true)) return;
    session->outgoing->client_left();
    events.on_close();
  };
  socket.control_callback([&leave](beast::websocket::frame_type kind, beast::string_view) {
    if (kind == beast::websocket::frame_type::close) leave();
  });
  asio::co_spawn(
      socket.get_executor(), [session] { return write_messages(session); }, asio::detached);
  co_await read_messages(session, events);
  session->outgoing->client_left();
  co_await session->wait_for_writer();
  leave();
}

template asio::awaitable<void> serve_websocket(PlainStream&, std::shared_ptr<void>, UpgradeRequest, const Route&,
                                               Request, Headers, Limits);
template asio::awaitable<void> serve_websocket(TlsStream&, std::shared_ptr<void>, UpgradeRequest, const Route&, Request,
                                               Headers, Limits);

}  // namespace liveedit::streaming::http
