// SPDX-License-Identifier: LGPL-2.1-or-later
// Recordings that wait to be understood, on a thread of their own: sessions go on meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "server/link/message.h"
#include "server/worker/speech.h"

namespace liveedit::server {

class SpeechRoom {
 public:
  using Say = std::function<void(Message)>;

  // `text`: speech.launch; empty: there is none. `say` is called on the room's thread.
  SpeechRoom(std::string text, FixedSettings fixed, SpeechLimits limits, Say say);
  // Recordings that have not begun are forgotten.
  ~SpeechRoom();
  SpeechRoom(const SpeechRoom&) = delete;
  SpeechRoom& operator=(const SpeechRoom&) = delete;

  void ask(Message recording);  // kSpeech; answered by kText, kRefused or kFailed

 private:
  void run();
  Message answer(const Message& recording);

  const std::string text_;
  const FixedSettings fixed_;
  const SpeechLimits limits_;
  const Say say_;
  std::unique_ptr<Speech> speech_;  // made by the first recording
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Message> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace liveedit::server
