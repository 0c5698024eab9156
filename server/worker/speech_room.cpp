// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/speech_room.h"

#include <pthread.h>

#include "server/link/shared_file.h"

namespace liveedit::server {

SpeechRoom::SpeechRoom(std::string text, FixedSettings fixed, SpeechLimits limits, Say say)
    : text_(std::move(text)), fixed_(std::move(fixed)), limits_(limits), say_(std::move(say)), thread_([this] {
        pthread_setname_np(pthread_self(), "liveedit-speech");
        run();
      }) {}

SpeechRoom::~SpeechRoom() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SpeechRoom::ask(Message recording) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(recording));
  }
  wake_.notify_one();
}

void SpeechRoom::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Message recording = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    say_(answer(recording));
    lock.lock();
  }
}

Message SpeechRoom::answer(const Message& recording) {
  Message said;
  said.session = recording.session;
  try {
    if (text_.empty()) throw std::runtime_error("There is no pipeline speech.launch.");
    if (!speech_) speech_ = std::make_unique<Speech>(text_, fixed_, limits_);
    const auto language = recording.parameters.find("language");
    const auto* code = language == recording.parameters.end() ? nullptr : std::get_if<std::string>(&language->second);
    said.kind = MessageKind::kText;
    said.text = speech_->text_of(read_shared_file(recording.fd, limits_.bytes), code ? *code : "");
  } catch (const BadRecording& problem) {
    said.kind = MessageKind::kRefused;
    said.text = problem.what();
  } catch (const std::exception& problem) {
    said.kind = MessageKind::kFailed;
    said.text = problem.what();
  }
  return said;
}

}  // namespace liveedit::server
