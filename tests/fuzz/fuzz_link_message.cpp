// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a datagram between edge and worker: no message, or one that is understood in the same way when it is
// said again.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/link/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveedit::server;  // NOLINT: what is tested
  Message message;
  if (!decode_message({reinterpret_cast<const char*>(data), size}, &message)) return 0;
  const std::string said = encode_message(message);
  Message again;
  if (!decode_message(said, &again)) std::abort();
  if (again.kind != message.kind || again.session != message.session || again.frame != message.frame ||
      again.slot != message.slot || again.width != message.width || again.height != message.height ||
      again.slots != message.slots || again.parameters.size() != message.parameters.size())
    std::abort();
  if (encode_message(again) != said) std::abort();
  return 0;
}
