// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as the messages of a client's WebSocket: each is understood, refused or ends the conversation, with a
// sentence; a frame has an object of parameters and a picture. A message is two bytes of head (the kind in the lowest
// bit, then its length) and its bytes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "server/session/frame_protocol.h"

namespace {

using liveedit::server::FrameProtocol;
using Outcome = FrameProtocol::Outcome;

constexpr std::size_t kMessageBytes = 512;

void check(const Outcome& outcome, FrameProtocol* protocol, bool is_text, std::size_t size) {
  switch (outcome.kind) {
    case Outcome::kFrame:
      if (is_text || protocol->image().size() != size || size == 0) std::abort();
      if (!nlohmann::json::parse(protocol->parameters(), nullptr, false).is_object()) std::abort();
      break;
    case Outcome::kMode:
    case Outcome::kListen:
      if (!is_text) std::abort();
      break;
    case Outcome::kNoFrame:
      if (is_text) std::abort();
      break;
    case Outcome::kRefused:
    case Outcome::kBroken:
      if (outcome.text.empty()) std::abort();
      break;
    case Outcome::kNothing:
      break;
  }
  if (is_text && size > kMessageBytes && outcome.kind != Outcome::kBroken) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FrameProtocol protocol(kMessageBytes);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 2) {
    const bool is_text = (static_cast<unsigned char>(rest[0]) & 1) != 0;
    const std::size_t length =
        static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) >> 1) * 256 + static_cast<unsigned char>(rest[1]);
    const std::string_view message = rest.substr(2, length);
    rest.remove_prefix(2 + message.size());
    const Outcome outcome = is_text ? protocol.on_text(message) : protocol.on_binary(message);
    check(outcome, &protocol, is_text, message.size());
    if (outcome.kind == Outcome::kBroken) break;  // the connection ends here
  }
  return 0;
}
