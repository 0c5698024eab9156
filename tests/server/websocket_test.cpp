// SPDX-License-Identifier: LGPL-2.1-or-later
// The WebSocket part of streaming/http.
#include "streaming/http/websocket.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "tests/server/websocket_client.h"

namespace liveedit::server::testing {
namespace {

namespace http = streaming::http;
using http::testing::any_port;
using http::testing::open_descriptors;
using http::testing::resident_kilobytes;
using http::testing::running_threads;

constexpr size_t kMost = 100000;

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return condition();
}

// WS /echo sends back what it is sent; "text:" and "close" make it do so. The last socket is in `socket`.
struct EchoServer {
  explicit EchoServer(http::ServerConfig config = any_port()) {
    http::Route route;
    route.path = "/echo";
    route.methods = {"GET"};
    route.access = http::Access::kMedia;
    route.max_message = kMost;
    route.websocket = [this](const http::Request& request, std::shared_ptr<http::WebSocket> opened) {
      const std::lock_guard lock(mutex);
      socket = opened;
      changed.notify_all();
      query = request.query;
      http::WebSocketEvents events;
      events.on_text = [opened](std::string_view text) {
        if (text == "close") opened->close(http::kCloseTryLater, "as asked for");
        if (text == "throw") throw std::runtime_error("as asked for");
        opened->send_text(std::string(text));
      };
      events.on_binary = [opened](std::string_view bytes) {
        opened->send_binary(std::make_shared<const std::string>(bytes));
      };
      events.on_close = [this] {
        const std::lock_guard lock(mutex);
        ++closed;
        changed.notify_all();
      };
      return events;
    };
    server = http::Server::start(config, {route});
  }

  bool wait_closed(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return closed >= count; });
  }

  // The client has its answer before the handler has been called.
  std::shared_ptr<http::WebSocket> opened() {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(60), [&] { return socket != nullptr; });
    return socket;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<http::WebSocket> socket;
  std::string query;
  int closed = 0;
  std::shared_ptr<http::Server> server;
};

TEST(WebSocket, SendsBackWhatItIsSent) {
  EchoServer on;
  std::optional<WebSocketClient> connected(std::in_place, on.server->port());
  WebSocketClient& client = *connected;
  const auto answer = client.open("/echo?mode=image");
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  for (const size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 100000u}) {
    const std::string text(size, 't'), bytes(size, '\0');
    client.send(frame(kText, text) + frame(kBinary, bytes));
    ServerFrame got = client.receive();
    EXPECT_EQ(got.opcode, kText);
    EXPECT_TRUE(got.payload == text) << size;
    got = client.receive();
    EXPECT_EQ(got.opcode, kBinary);
    EXPECT_TRUE(got.payload == bytes) << size;
  }
  client.send(frame(kText, "in ", {.last = false}) + frame(kPing, "p") + frame(kContinuation, "parts"));
  EXPECT_EQ(client.receive().opcode, kPong);
  EXPECT_EQ(client.receive().payload, "in parts");
  client.send(frame(kClose, "\x03\xe8"));
  EXPECT_EQ(client.closed_with(), 1000);
  connected.reset();
  EXPECT_TRUE(on.wait_closed(1));
  EXPECT_EQ(on.query, "mode=image");
}

TEST(WebSocket, WhoSaidGoodbyeHasGone) {
  EchoServer on;
  WebSocketClient client(on.server->port());
  ASSERT_EQ(client.open("/echo").status, 101);
  client.send(frame(kClose, "\x03\xe8"));
  EXPECT_EQ(client.closed_with(), 1000);
  // The connection is still there, at this end.
  const std::lock_guard lock(on.mutex);
  EXPECT_EQ(on.closed, 1);
}

TEST(WebSocket, ClosesAsItIsTold) {
  EchoServer on;
  std::optional<WebSocketClient> connected(std::in_place, on.server->port());
  WebSocketClient& client = *connected;
  client.open("/echo");
  client.send(frame(kText, "close"));
  const ServerFrame got = client.receive();
  EXPECT_EQ(got.opcode, kClose);
  EXPECT_EQ(got.close_code(), 1013);
  EXPECT_EQ(got.payload.substr(2), "as asked for");
  client.send(frame(kClose, "\x03\xf5"));
  connected.reset();
  EXPECT_TRUE(on.wait_closed(1));
  EXPECT_FALSE(on.socket->send_text("nobody is there"));
}

TEST(WebSocket, EndsWithTheServer) {
  EchoServer on;
  WebSocketClient client(on.server->port());
  client.open("/echo");
  ASSERT_TRUE(on.opened());
  on.server->stop();
  EXPECT_EQ(on.closed, 1);
  EXPECT_FALSE(on.socket->open());
  EXPECT_TRUE(client.raw().closes_within(std::chrono::seconds(60)));
}

TEST(WebSocket, NoticesWhoLeaves) {
  EchoServer on;
  { WebSocketClient(on.server->port()).open("/echo"); }
  EXPECT_TRUE(on.wait_closed(1));
}

TEST(WebSocket, LeavesNothingBehind) {
  EchoServer on;
  { WebSocketClient(on.server->port()).open("/echo"); }
  ASSERT_TRUE(on.wait_closed(1));
  // A connection's descriptor is closed a moment after its last event.
  const auto all_closed = [&on] { return on.server->stats().connections == 0; };
  ASSERT_TRUE(comes_true(all_closed));
  const int descriptors = open_descriptors(), threads = running_threads();
  for (int i = 0; i < 100; ++i) {
    WebSocketClient client(on.server->port());
    client.open("/echo");
    if (i % 2) client.send(frame(kText, "half", {.last = false, .told_length = 1000}));
  }
  ASSERT_TRUE(on.wait_closed(101));
  ASSERT_TRUE(comes_true(all_closed));
  EXPECT_TRUE(comes_true([&] { return open_descriptors() == descriptors; })) << open_descriptors();
  EXPECT_EQ(running_threads(), threads);
}

TEST(WebSocket, RefusesMessagesThatAreTooLong_n) {
  const std::string whole = frame(kBinary, std::string(kMost + 1, 'x'));
  const std::string told = frame(kBinary, "x", {.told_length = kMost + 1});
  const std::string absurd = frame(kBinary, "x", {.told_length = UINT64_MAX >> 1});
  std::string parts = frame(kBinary, std::string(kMost, 'x'), {.last = false}) + frame(kContinuation, "x");
  for (const std::string& bytes : {whole, told, absurd, parts}) {
    EchoServer on;
    WebSocketClient client(on.server->port());
    client.open("/echo");
    client.send(bytes);
    EXPECT_EQ(client.closed_with(), 1009);
  }
}

TEST(WebSocket, AFloodOfPartsCostsNoMemory_n) {
  EchoServer on;
  WebSocketClient client(on.server->port());
  client.open("/echo");
  const long before = resident_kilobytes();
  const std::string part = frame(kContinuation, std::string(50000, 'x'), {.last = false});
  client.send(frame(kText, "x", {.last = false}));
  for (int i = 0; i < 2000 && client.send(part); ++i) continue;
  EXPECT_TRUE(on.wait_closed(1));
  EXPECT_LT(resident_kilobytes() - before, 4 * 1024);
}

TEST(WebSocket, RefusesWhatIsAgainstTheProtocol_n) {
  const std::string wrong[] = {
      frame(kText, "unmasked", {.masked = false}),
      frame(kText, "compressed", {.reserved_bits = 4}),
      frame(kContinuation, "of nothing"),
      frame(kText, "a", {.last = false}) + frame(kText, "b"),
      frame(kPing, "in parts", {.last = false}),
      frame(kPing, std::string(126, 'p')),
      frame(3, "unknown"),
      frame(11, "unknown"),
      frame(kClose, "\x03"),
      std::string("\x81\xfe\x00\x05\x11\x22\x33\x44", 8) + "short",  // a length that is not the shortest
  };
  for (const std::string& bytes : wrong) {
    EchoServer on;
    WebSocketClient client(on.server->port());
    client.open("/echo");
    client.send(bytes);
    EXPECT_EQ(client.closed_with(), 1002) << ::testing::PrintToString(bytes.substr(0, 8));
  }
  EchoServer on;
  WebSocketClient client(on.server->port());
  client.open("/echo");
  client.send(frame(kText, "\xff\xfe"));
  EXPECT_EQ(client.closed_with(), 1007);
}

TEST(WebSocket, RefusesHandshakesThatAreNone_n) {
  EchoServer on;
  const auto ask = [&](const std::string& headers, const char* method = "GET") {
    http::testing::RawClient client(on.server->port());
    client.send(std::string(method) + " /echo HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return client.receive().status;
  };
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n",
                    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_EQ(ask(""), 426);
  EXPECT_EQ(ask(key + version), 426);
  EXPECT_EQ(ask(upgrade + version), 400);
  EXPECT_EQ(ask(upgrade + key), 400);
  EXPECT_EQ(ask(upgrade + key + "Sec-WebSocket-Version: 12\r\n"), 426);
  EXPECT_EQ(ask(upgrade + key + version + "Content-Length: 1\r\n"), 413);
  EXPECT_EQ(ask(upgrade + key + version, "POST"), 405);
  EXPECT_EQ(on.closed, 0);
}

TEST(WebSocket, CompressionIsNotOffered_n) {
  EchoServer on;
  WebSocketClient client(on.server->port());
  const auto answer = client.open("/echo", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.header("Sec-WebSocket-Extensions"), "");
}

TEST(WebSocket, RefusesPagesOfOtherSites_n) {
  EchoServer on;
  const auto status = [&](const char* origin) {
    return WebSocketClient(on.server->port()).open("/echo", std::string("Origin: ") + origin + "\r\n").status;
  };
  EXPECT_EQ(status("http://evil.example"), 403);
  EXPECT_EQ(status("null"), 403);
  EXPECT_EQ(status("http://localhost"), 101);
}

TEST(WebSocket, WantsTheToken_n) {
  http::ServerConfig config = any_port();
  config.token = "a-token-for-tests";
  EchoServer on(config);
  const auto status = [&](const std::string& headers, const std::string& path = "/echo") {
    return WebSocketClient(on.server->port()).open(path, headers).status;
  };
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Authorization: Bearer wrong\r\n"), 401);
  EXPECT_EQ(status("Authorization: Bearer a-token-for-tests\r\n"), 101);
  EXPECT_EQ(status("", "/echo?ticket=0123456789abcdef0123456789abcdef"), 401);
  http::testing::RawClient raw(on.server->port());
  raw.send(
      "POST /ticket HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a-token-for-tests\r\nContent-Length: "
      "0\r\n\r\n");
  const std::string body = raw.receive().body, ticket = body.substr(body.find("\":\"") + 3, 32);
  EXPECT_EQ(status("", "/echo?ticket=" + ticket), 101) << body;
  EXPECT_EQ(status("", "/echo?ticket=" + ticket), 401) << "a ticket is good for one use";
}

TEST(WebSocket, WhoDoesNotReadIsSentAway_n) {
  EchoServer on;
  WebSocketClient client(on.server->port());
  client.raw().small_receive_buffer();
  client.open("/echo");
  const auto socket = on.opened();
  ASSERT_TRUE(socket);
  const auto message = std::make_shared<const std::string>(500000, 'm');
  bool sent = true;
  for (int i = 0; i < 100 && sent; ++i) sent = socket->send_binary(message);
  EXPECT_FALSE(sent);
  EXPECT_FALSE(socket->open());
}

TEST(WebSocket, AHandlerThatThrowsEndsItsOwnConnectionOnly_n) {
  EchoServer on;
  WebSocketClient client(on.server->port()), other(on.server->port());
  client.open("/echo");
  other.open("/echo");
  client.send(frame(kText, "throw"));
  EXPECT_EQ(client.closed_with(), 1011);
  other.send(frame(kText, "still there"));
  EXPECT_EQ(other.receive().payload, "still there");
}

}  // namespace
}  // namespace liveedit::server::testing
