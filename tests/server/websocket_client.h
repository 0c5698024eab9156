// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames of RFC 6455 made by hand, so that they can be wrong on purpose.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/streaming/http/raw_client.h"

namespace liveedit::server::testing {

constexpr int kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

struct FrameShape {
  bool last = true, masked = true;
  int reserved_bits = 0;
  std::optional<uint64_t> told_length = {};  // another length than the payload's
};

std::string frame(int opcode, std::string_view payload, const FrameShape& shape = {});

struct ServerFrame {
  int opcode = -1;  // -1: the server has closed
  std::string payload;
  int close_code() const {
    return payload.size() < 2 ? 0
                              : (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]);
  }
};

class WebSocketClient {
 public:
  explicit WebSocketClient(int port) : raw_(port) {}
  // The answer to the handshake.
  streaming::http::testing::Answer open(std::string_view path, std::string_view headers = "");
  bool send(std::string_view bytes) { return raw_.send(bytes); }
  ServerFrame receive();
  // Passes over what is not a close frame; -1: the server closed without one.
  int closed_with();
  streaming::http::testing::RawClient& raw() { return raw_; }

 private:
  streaming::http::testing::RawClient raw_;
};

}  // namespace liveedit::server::testing
