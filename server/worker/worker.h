// SPDX-License-Identifier: LGPL-2.1-or-later
// The worker: pipelines of sessions, as the edge asks for them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/link/channel.h"
#include "server/worker/listen_pipeline.h"
#include "server/worker/session_pipeline.h"
#include "server/worker/speech_room.h"

namespace liveedit::server {

class Worker {
 public:
  // Throws Error where there are no templates.
  Worker(UniqueFd socket, const std::string& folder, FixedSettings fixed, SpeechLimits speech);
  ~Worker();

  // Serves until the edge has gone.
  void run();

 private:
  void say(Message message);
  void say(MessageKind kind);
  void introduce();
  void handle(Message message);
  void open(Message message);
  void listen(uint32_t listener);
  void hear(const Message& sound);
  void fail(uint32_t session, const std::string& why);
  void close(uint32_t session);
  std::string facts() const;

  Channel channel_;
  std::map<std::string, std::string> templates_;  // of the modes
  const FixedSettings fixed_;
  SpeechRoom speech_;
  std::map<uint32_t, std::unique_ptr<SessionPipeline>> sessions_;
  const std::string listen_template_;
  std::map<uint32_t, std::unique_ptr<ListenPipeline>> listeners_;
  uint64_t held_before_ = 0;  // frames of sessions that have ended
};

}  // namespace liveedit::server
