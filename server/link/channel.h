// SPDX-License-Identifier: LGPL-2.1-or-later
// One end of the socket between the edge and a worker (AF_UNIX, SOCK_SEQPACKET: whole messages, in order).
#pragma once

#include <mutex>
#include <utility>

#include "server/link/message.h"

namespace liveedit::server {

class Channel {
 public:
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Two ends. Throws Error (kUnavailable).
  static std::pair<UniqueFd, UniqueFd> make_pair();

  // Thread-safe, and does not wait. false: the other side has gone, or does not read what it is sent.
  bool send(const Message& message);

  enum class Result { kMessage, kNothing, kEnd };
  // One thread at a time. Waits up to `timeout_ms` for a message. kEnd: the other side has gone or talks nonsense.
  Result receive(Message* message, int timeout_ms);

  int fd() const { return socket_.get(); }

 private:
  const UniqueFd socket_;
  std::mutex sending_;
};

}  // namespace liveedit::server
