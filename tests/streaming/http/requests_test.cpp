// SPDX-License-Identifier: LGPL-2.1-or-later
#include <thread>

#include <gtest/gtest.h>

#include "streaming/base/error.h"
#include "tests/streaming/http/raw_client.h"

namespace liveedit::streaming::http::testing {
namespace {

TEST(Requests, AnswersAndKeepsTheConnection) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /hello?name=you HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const Answer answer = client.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello you");
    EXPECT_TRUE(answer.keep_alive);
    EXPECT_EQ(answer.header("Content-Type"), "text/plain");
  }
}

TEST(Requests, PipelinedOnesAreAnsweredInOrder) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += i % 2 ? "GET /hello?name=" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 : "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  client.send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.receive().body, i % 2 ? "hello " + std::to_string(i) : "later");
}

TEST(Requests, HttpOneZeroEndsTheConnection) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.closes_within(std::chrono::seconds(60)));
}

TEST(Requests, HeadHasTheHeadersOfGet) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  client.send(
      "HEAD /hello?name=x HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: localhost\r\nConnection: "
      "close\r\n\r\n");
  const Answer answer = client.receive(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), "7");
  EXPECT_EQ(client.receive(true).status, 200);
  EXPECT_FALSE(on.has_stream()) << "HEAD starts no stream";
}

TEST(Requests, OptionsSaysWhatThereIs) {
  TestServer on(any_port());
  const Answer answer = on.ask("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Allow"), "OPTIONS, HEAD, GET");
}

TEST(Requests, BodiesByLengthByChunksAndAfterExpect) {
  TestServer on(any_port());
  EXPECT_EQ(on.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").body, "abc");
  EXPECT_EQ(on.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .body,
            "abcde");
  RawClient client(on.server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("xyz");
  EXPECT_EQ(client.receive().body, "xyz");
}

TEST(Requests, WhatIsNotThereIsSaid_n) {
  TestServer on(any_port());
  EXPECT_EQ(on.get("/nothing").status, 404);
  EXPECT_EQ(on.get("/hello/more").status, 404);
  const Answer wrong = on.ask("DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "OPTIONS, HEAD, GET");
  EXPECT_EQ(wrong.header("Content-Type"), "application/problem+json");
}

TEST(Requests, HandlersThatFailAreAnswered_n) {
  TestServer on(any_port());
  EXPECT_EQ(on.get("/throws").status, 500);
  EXPECT_EQ(on.get("/drop").status, 500);
  EXPECT_EQ(on.get("/hello").status, 200);
}

TEST(Requests, AHandlerThatNeverAnswersIsGivenUp_n) {
  ServerConfig config = any_port();
  config.limits.answer_time = std::chrono::milliseconds(300);
  TestServer on(config);
  EXPECT_EQ(on.get("/never").status, 504);
}

TEST(Requests, StopEndsWhatIsDue) {
  TestServer on(any_port());
  RawClient waiting(on.server->port()), streaming(on.server->port()), idle(on.server->port());
  waiting.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  streaming.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto stream = on.wait_for_stream();
  ASSERT_TRUE(stream);
  on.server->stop();
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->push(std::make_shared<const std::string>("late")));
  EXPECT_TRUE(waiting.closes_within(std::chrono::seconds(60)));
  EXPECT_TRUE(streaming.closes_within(std::chrono::seconds(60)));
  EXPECT_FALSE(RawClient(on.server->port()).connected());
}

TEST(Requests, AnAnswerAfterTheEndIsRefused) {
  ResponderPtr kept;
  std::mutex mutex;
  Route route;
  route.path = "/";
  route.methods = {"GET"};
  route.handler = [&](const Request&, ResponderPtr responder) {
    const std::lock_guard lock(mutex);
    kept = std::move(responder);
  };
  const auto server = Server::start(any_port(), {route});
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (bool there = false; !there;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const std::lock_guard lock(mutex);
    there = kept != nullptr;
  }
  server->stop();
  EXPECT_FALSE(kept->send(make_response(200, "text/plain", "late")));
}

TEST(Requests, APortTakenIsOneClearError_n) {
  TestServer on(any_port());
  ServerConfig same = any_port();
  same.port = on.server->port();
  try {
    Server::start(same, {});
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kAddress);
    EXPECT_NE(std::string(error.what()).find(std::to_string(same.port)), std::string::npos) << error.what();
  }
}

TEST(Requests, NothingIsLeftOfAThousandConnections) {
  { TestServer warm(any_port()); }
  const int descriptors = open_descriptors(), threads = running_threads();
  {
    TestServer on(any_port());
    for (int i = 0; i < 1000; ++i) {
      RawClient client(on.server->port());
      client.send(i % 3 ? "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" : "GET /stream HTTP/1.1\r\nHo");
      if (i % 3 == 1) client.receive();
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(running_threads(), threads);
}

}  // namespace
}  // namespace liveedit::streaming::http::testing
