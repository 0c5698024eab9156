// SPDX-License-Identifier: LGPL-2.1-or-later
#include <list>
#include <thread>

#include <gtest/gtest.h>

#include "tests/streaming/http/raw_client.h"

namespace liveedit::streaming::http::testing {
namespace {

constexpr std::string_view kAsk = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

Bytes chunk(size_t size, char letter) {
  return std::make_shared<const std::string>(size, letter);
}

// Pushes until the stream notices that nobody is there.
bool notices_the_end(BodyStream* stream) {
  for (int i = 0; i < 2000; ++i) {
    if (!stream->push(chunk(1000, 'n'))) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(Streams, ChunksArriveAsTheyWere) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  client.send(kAsk);
  const Answer head = client.receive();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "");
  EXPECT_FALSE(head.keep_alive);
  const auto stream = on.wait_for_stream();
  ASSERT_TRUE(stream);
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    EXPECT_TRUE(stream->push(chunk(10, letter)));
    EXPECT_EQ(client.read(10), std::string(10, letter));
  }
  stream->close();
  EXPECT_TRUE(client.closes_within(std::chrono::seconds(60)));
}

TEST(Streams, AViewerWhoLeavesIsNoticed) {
  TestServer on(any_port());
  std::shared_ptr<BodyStream> stream;
  {
    RawClient client(on.server->port());
    client.send(kAsk);
    stream = on.wait_for_stream();
    ASSERT_TRUE(stream);
    client.receive();
  }
  EXPECT_TRUE(notices_the_end(stream.get()));
  EXPECT_TRUE(stream->closed());
}

TEST(Streams, ASlowViewerLosesWholeChunksAndCostsNoMemory) {
  TestServer on(any_port());
  RawClient slow(on.server->port()), fast(on.server->port());
  slow.small_receive_buffer();
  slow.send(kAsk);
  const auto slow_stream = on.wait_for_stream();
  fast.send(kAsk);
  const auto fast_stream = on.wait_for_stream();
  ASSERT_TRUE(slow_stream && fast_stream);
  EXPECT_EQ(fast.receive().status, 200);

  const long before = resident_kilobytes();
  constexpr size_t kSize = 200000;
  for (int i = 0; i < 300; ++i) {
    const Bytes picture = chunk(kSize, 'a' + i % 26);
    EXPECT_TRUE(slow_stream->push(picture));
    EXPECT_TRUE(fast_stream->push(picture));
    EXPECT_EQ(fast.read(kSize), *picture);
  }
  EXPECT_EQ(fast_stream->dropped(), 0u);
  EXPECT_GT(slow_stream->dropped(), 250u);
  EXPECT_LT(resident_kilobytes() - before, 4 * 1024);

  // What the slow one gets is whole chunks all the same.
  EXPECT_EQ(slow.receive().status, 200);
  slow_stream->close();
  std::string all, more;
  while (!(more = slow.read(kSize)).empty()) all += more;
  EXPECT_EQ(all.size() % kSize, 0u);
  for (size_t at = 0; at < all.size(); at += kSize) EXPECT_EQ(all.substr(at, kSize), std::string(kSize, all[at]));
}

TEST(Streams, AViewerWhoReadsNothingIsDropped) {
  ServerConfig config = any_port();
  config.limits.write_time = std::chrono::milliseconds(500);
  TestServer on(config);
  RawClient stuck(on.server->port());
  stuck.small_receive_buffer();
  stuck.send(kAsk);
  const auto stream = on.wait_for_stream();
  ASSERT_TRUE(stream);
  bool gone = false;
  for (int i = 0; i < 1000 && !gone; ++i) {
    gone = !stream->push(chunk(500000, 's'));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

TEST(Streams, AViewerWhoTalksIsHeardOutButNotForEver) {
  TestServer on(any_port());
  RawClient client(on.server->port());
  client.send(kAsk);
  const auto stream = on.wait_for_stream();
  ASSERT_TRUE(stream);
  client.send(kAsk);
  EXPECT_TRUE(stream->push(chunk(10, 'x')));
  for (int i = 0; i < 40 && client.send(std::string(1024, 'c')); ++i) continue;
  EXPECT_TRUE(notices_the_end(stream.get()));
}

TEST(Streams, ManyLeaveNothingBehind) {
  TestServer on(any_port());
  const int descriptors = open_descriptors();
  {
    std::list<RawClient> clients;
    std::list<std::shared_ptr<BodyStream>> streams;
    for (int i = 0; i < 200; ++i) {
      clients.emplace_back(on.server->port());
      clients.back().send(kAsk);
      streams.push_back(on.wait_for_stream());
      ASSERT_TRUE(streams.back());
    }
    for (const auto& stream : streams) stream->push(chunk(40000, 'p'));
    for (RawClient& client : clients) {
      EXPECT_EQ(client.receive().status, 200);
      EXPECT_EQ(client.read(40000).size(), 40000u);
    }
    EXPECT_EQ(on.server->stats().connections, 200u);
  }
  for (int i = 0; i < 2000 && on.server->stats().connections > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(on.server->stats().connections, 0u);
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace
}  // namespace liveedit::streaming::http::testing
