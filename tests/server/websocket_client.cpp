// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/server/websocket_client.h"

namespace liveedit::server::testing {

std::string frame(int opcode, std::string_view payload, const FrameShape& shape) {
  const uint64_t length = shape.told_length.value_or(payload.size());
  std::string bytes;
  bytes += static_cast<char>((shape.last ? 0x80 : 0) | (shape.reserved_bits << 4) | opcode);
  const int mask_bit = shape.masked ? 0x80 : 0;
  if (length < 126) {
    bytes += static_cast<char>(mask_bit | length);
  } else if (length < 65536) {
    bytes += static_cast<char>(mask_bit | 126);
    for (int shift = 8; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift);
  } else {
    bytes += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift);
  }
  if (!shape.masked) return bytes + std::string(payload);
  const std::string key = "\x11\x22\x33\x44";
  bytes += key;
  for (size_t i = 0; i < payload.size(); ++i) bytes += static_cast<char>(payload[i] ^ key[i % 4]);
  return bytes;
}

streaming::http::testing::Answer WebSocketClient::open(std::string_view path, std::string_view headers) {
  raw_.send("GET " + std::string(path) +
            " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
            std::string(headers) + "\r\n");
  return raw_.receive(true);
}

ServerFrame WebSocketClient::receive() {
  const std::string head = raw_.read(2);
  if (head.size() < 2) return {};
  ServerFrame got;
  got.opcode = head[0] & 0x0f;
  uint64_t length = head[1] & 0x7f;
  const size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (more) {
    length = 0;
    for (const char byte : raw_.read(more)) length = length << 8 | static_cast<unsigned char>(byte);
  }
  got.payload = raw_.read(length);
  return got;
}

int WebSocketClient::closed_with() {
  while (true) {
    const ServerFrame got = receive();
    if (got.opcode == kClose) return got.close_code();
    if (got.opcode < 0) return -1;
  }
}

}  // namespace liveedit::server::testing
