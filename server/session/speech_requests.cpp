// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/speech_requests.h"

#include <utility>

#include "server/link/shared_file.h"

namespace liveedit::server {
namespace {

constexpr const char* kNobody = "The worker is being started again; ask in a while.";

}  // namespace

void SpeechRequests::ask(uint32_t id, std::string_view file, const std::string& language, const SendToWorker& send,
                         Done done) {
  try {
    Message message;
    message.kind = MessageKind::kSpeech;
    message.session = id;
    message.fd = share_file(file);
    if (!language.empty()) message.parameters["language"] = language;
    if (!send(message)) return done(MessageKind::kFailed, kNobody);
  } catch (const std::exception& error) {
    return done(MessageKind::kFailed, error.what());
  }
  waiting_[id] = std::move(done);
}

bool SpeechRequests::on_message(const Message& message) {
  const auto found = waiting_.find(message.session);
  if (found == waiting_.end()) return false;
  const Done done = std::move(found->second);
  waiting_.erase(found);
  done(message.kind, message.text);
  return true;
}

void SpeechRequests::on_worker_down() {
  for (auto& [id, done] : std::exchange(waiting_, {})) done(MessageKind::kFailed, kNobody);
}

}  // namespace liveedit::server
