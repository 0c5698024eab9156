// SPDX-License-Identifier: LGPL-2.1-or-later
// Every limit at n, which is admitted, and at n + 1, which is not.
#include <list>

#include <gtest/gtest.h>

#include "tests/streaming/http/raw_client.h"

namespace liveedit::streaming::http::testing {
namespace {

constexpr std::string_view kStart = "GET /hello HTTP/1.1\r\nHost: localhost\r\n";

std::string padded_head(size_t size) {
  std::string head(kStart);
  head += "X-Padding: ";
  head += std::string(size - head.size() - 4, 'x') + "\r\n\r\n";
  return head;
}

TEST(Limits, HeaderBytes) {
  ServerConfig config = any_port();
  config.limits.header_bytes = 4096;
  TestServer on(config);
  EXPECT_EQ(on.ask(padded_head(4096)).status, 200);
  EXPECT_EQ(on.ask(padded_head(4097)).status, 431);
  EXPECT_EQ(on.ask(padded_head(200000)).status, 431);
}

TEST(Limits, HeaderFields) {
  TestServer on(any_port());
  const auto with = [](size_t fields) {
    std::string head(kStart);
    for (size_t i = 1; i < fields; ++i) head += "X-" + std::to_string(i) + ": 1\r\n";
    return head + "\r\n";
  };
  EXPECT_EQ(on.ask(with(64)).status, 200);
  EXPECT_EQ(on.ask(with(65)).status, 431);
}

TEST(Limits, TargetBytes) {
  TestServer on(any_port());
  const auto of = [](size_t size) { return "/hello?x=" + std::string(size - 9, 'y'); };
  EXPECT_EQ(on.get(of(2048)).status, 200);
  EXPECT_EQ(on.get(of(2049)).status, 414);
}

TEST(Limits, BodyBytesByLength) {
  TestServer on(any_port());
  const auto of = [](size_t size) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
           std::string(size, 'b');
  };
  EXPECT_EQ(on.ask(of(1000)).status, 201);
  EXPECT_EQ(on.ask(of(1001)).status, 413);
  EXPECT_EQ(on.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000000\r\n\r\n").status, 413);
}

TEST(Limits, BodyBytesByChunks) {
  TestServer on(any_port());
  const auto of = [](size_t size) {
    std::string request = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t i = 0; i < size; ++i) request += "1\r\nc\r\n";
    return request + "0\r\n\r\n";
  };
  EXPECT_EQ(on.ask(of(1000)).status, 201);
  EXPECT_EQ(on.ask(of(1001)).status, 413);
}

TEST(Limits, AnEndlessBodyCostsNoMemory) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const long before = resident_kilobytes();
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'z') + "\r\n";
  for (int i = 0; i < 3000 && client.send(chunk); ++i) continue;
  EXPECT_LT(resident_kilobytes() - before, 8 * 1024);
  EXPECT_EQ(on.get("/hello").status, 200);
}

TEST(Limits, RequestsPerConnection) {
  ServerConfig config = any_port();
  config.limits.requests_per_connection = 3;
  TestServer on(config);
  RawClient client(on.server->port());
  for (int i = 1; i <= 3; ++i) {
    client.send(std::string(kStart) + "\r\n");
    EXPECT_EQ(client.receive().keep_alive, i < 3);
  }
  EXPECT_TRUE(client.closes_within(std::chrono::seconds(60)));
}

TEST(Limits, Connections) {
  ServerConfig config = any_port();
  config.limits.connections = 3;
  TestServer on(config);
  std::list<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(on.server->port());
    clients.back().send(std::string(kStart) + "\r\n");
    EXPECT_EQ(clients.back().receive().status, 200);
  }
  const Answer refused = on.get("/hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "5");
  clients.front().send(std::string(kStart) + "\r\n");
  EXPECT_EQ(clients.front().receive().status, 200) << "who is in stays in";
}

TEST(Limits, ConnectionsPerAddress) {
  ServerConfig config = any_port();
  config.limits.connections_per_address = 2;
  TestServer on(config);
  RawClient first(on.server->port()), second(on.server->port());
  for (RawClient* client : {&first, &second}) {
    client->send(std::string(kStart) + "\r\n");
    EXPECT_EQ(client->receive().status, 200);
  }
  EXPECT_EQ(on.get("/hello").status, 503);
  RawClient other(on.server->port(), "127.0.0.2");
  other.send(std::string(kStart) + "\r\n");
  EXPECT_EQ(other.receive().status, 200) << "another address has its own share";
}

TEST(Limits, RequestRate) {
  ServerConfig config = any_port();
  config.limits.requests_per_second = 0.01;
  config.limits.request_burst = 5;
  TestServer on(config);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(on.get("/hello").status, 200);
  const Answer refused = on.get("/hello");
  EXPECT_EQ(refused.status, 429);
  EXPECT_GE(std::stoi(refused.header("Retry-After")), 1);
}

TEST(Limits, PostRateOfARoute) {
  Route route;
  route.path = "/session";
  route.methods = {"GET", "POST"};
  route.post_rate = {0.01, 2};
  route.handler = [](const Request&, ResponderPtr responder) { responder->send(make_response(201, "", "")); };
  const auto server = Server::start(any_port(), {route});
  const auto ask = [&](const char* method) {
    RawClient client(server->port());
    client.send(std::string(method) + " /session HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.receive().status;
  };
  EXPECT_EQ(ask("POST"), 201);
  EXPECT_EQ(ask("POST"), 201);
  EXPECT_EQ(ask("POST"), 429);
  EXPECT_EQ(ask("GET"), 201) << "reading is not limited with it";
}

TEST(Limits, AHeaderThatDoesNotEnd) {
  ServerConfig config = any_port();
  config.limits.header_time = std::chrono::milliseconds(400);
  TestServer on(config);
  RawClient slow(on.server->port());
  slow.send("GET /hello HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(slow.closes_within(std::chrono::seconds(60)));
}

TEST(Limits, ABodyThatDoesNotEnd) {
  ServerConfig config = any_port();
  config.limits.body_time = std::chrono::milliseconds(400);
  TestServer on(config);
  RawClient slow(on.server->port());
  slow.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(slow.receive().status, 408);
}

TEST(Limits, AnIdleConnection) {
  ServerConfig config = any_port();
  config.limits.idle_time = std::chrono::milliseconds(400);
  TestServer on(config);
  RawClient idle(on.server->port());
  EXPECT_TRUE(idle.closes_within(std::chrono::seconds(60)));
}

// One byte at a time from many connections; others are served meanwhile.
TEST(Limits, Slowloris) {
  ServerConfig config = any_port();
  config.limits.header_time = std::chrono::milliseconds(800);
  config.limits.request_burst = 1e6;
  TestServer on(config);
  std::list<RawClient> slow;
  for (int i = 0; i < 100; ++i) slow.emplace_back(on.server->port());
  const std::string request = padded_head(16000);
  size_t closed = 0;
  for (size_t byte = 0; byte < request.size() && closed < slow.size(); ++byte) {
    closed = 0;
    for (RawClient& client : slow) closed += !client.send(request.substr(byte, 1));
    EXPECT_EQ(on.get("/hello").status, 200);
  }
  EXPECT_EQ(closed, slow.size());
}

}  // namespace
}  // namespace liveedit::streaming::http::testing
