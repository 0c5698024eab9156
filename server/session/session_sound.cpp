// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said in a session's sound steers it.
#include <string>

#include <nlohmann/json.hpp>

#include "server/log/log.h"
#include "server/session/session.h"

namespace liveedit::server {
namespace {

// What whisperprompt takes for a command, and the mode that it asks for.
struct ModeCommand {
  std::string_view said;
  const char* mode;
};
constexpr ModeCommand kModeCommands[] = {{"full", "full"}, {"only me", "human"}, {"only the background", "background"}};

}  // namespace

void Session::say_listening() {
  if (socket_) socket_->send_text(nlohmann::ordered_json{{"status", "listening"}, {"listen", listens_}}.dump());
}

// Who has a client is listened to from the start, so that it is told at once what is wrong; others when there is sound.
void Session::want_sound(bool wanted) {
  listens_ = wanted;
  if (!listens_) listener_.reset();
  if (output_) output_->want_sound(listens_);
}

void Session::listen(bool on) {
  want_sound(on);
  if (on && !listener_) listener_ = services_->open_listener();
  say_listening();
}

void Session::hear(std::string sound) {
  if (!listens_ || !connected()) return;
  if (!listener_) listener_ = services_->open_listener();
  if (listener_) listener_->hear(std::move(sound), Clock::now());
}

void Session::on_listener_message(const Message& message) {
  switch (message.kind) {
    case MessageKind::kTaken:
      listener_->on_taken();
      break;
    case MessageKind::kHeard:
      on_heard(message);
      break;
    case MessageKind::kFailed:
      stop_listening(message.text);
      break;
    default:
      break;
  }
}

// Until somebody asks for it again.
void Session::stop_listening(const std::string& why) {
  log(LogLevel::kWarning, "nobody listens to " + user_ + ": " + why);
  want_sound(false);
  say("error", why);
  say_listening();
}

void Session::on_heard(const Message& heard) {
  last_frame_ = Clock::now();
  if (heard.parameters.count("command") > 0) return on_command(heard.text);
  const nlohmann::json prompt = {{"prompt", heard.text}};
  const std::string wrong = set(prompt.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (!wrong.empty()) return say("error", wrong);
  if (!socket_) return;
  const nlohmann::ordered_json told = {{"status", "heard"}, {"text", heard.text}};
  socket_->send_text(told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Session::on_command(const std::string& said) {
  for (const ModeCommand& command : kModeCommands) {
    if (said == command.said) return change_mode(command.mode);
  }
  if (said == "stop") listen(false);
}

}  // namespace liveedit::server
