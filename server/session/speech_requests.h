// SPDX-License-Identifier: LGPL-2.1-or-later
// Recordings that the worker is to understand. I/O thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "server/session/engine.h"

namespace liveedit::server {

class SpeechRequests {
 public:
  // What becomes of a recording: kText, kRefused (it is wrong) or kFailed, with the text or the reason.
  using Done = std::function<void(MessageKind kind, const std::string& text)>;
  // That the worker has at a time, at most.
  static constexpr size_t kMost = 8;

  bool full() const { return waiting_.size() >= kMost; }
  // `id`: never used again, not for an engine either. `done` is called once, now or later. Precondition: !full().
  void ask(uint32_t id, std::string_view file, const std::string& language, const SendToWorker& send, Done done);
  // false: the message is not about a recording.
  bool on_message(const Message& message);
  void on_worker_down();

 private:
  std::map<uint32_t, Done> waiting_;
};

}  // namespace liveedit::server
