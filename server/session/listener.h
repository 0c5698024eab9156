// SPDX-License-Identifier: LGPL-2.1-or-later
// The sound of one session on its way to the worker, which finds what is said in it. I/O thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "server/session/engine.h"

namespace liveedit::server {

class Listener {
 public:
  // Pieces of sound that the worker has not said that it took; a worker that does something else is not buried.
  static constexpr size_t kMostUnderWay = 2;
  // That wait here meanwhile: some two seconds. Of more the oldest are left out.
  static constexpr size_t kMostWaiting = 20;
  // Sound that stops without silence: after so long there is some, so that the last sentence ends.
  static constexpr std::chrono::milliseconds kSoundPause{600};

  // Asks the worker for it. `id` is never used again, not for an engine either.
  Listener(uint32_t id, SendToWorker send);
  ~Listener();  // tells the worker
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  uint32_t id() const { return id_; }
  // Sound as kSound has it, kListenBytes at most.
  void hear(std::string sound, Clock::time_point now);
  // The worker took a piece.
  void on_taken();
  // Several times a second.
  void tick(Clock::time_point now);

 private:
  void add(std::string sound);
  void send_on();

  const uint32_t id_;
  const SendToWorker send_;
  std::deque<std::string> waiting_;
  size_t under_way_ = 0;
  Clock::time_point heard_;
  bool quiet_ = true;  // nothing since the silence
};

}  // namespace liveedit::server
