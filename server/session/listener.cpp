// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/listener.h"

#include "server/link/shared_file.h"
#include "server/log/log.h"

namespace liveedit::server {

Listener::Listener(uint32_t id, SendToWorker send) : id_(id), send_(std::move(send)) {
  Message listen;
  listen.kind = MessageKind::kListen;
  listen.session = id_;
  send_(listen);
}

Listener::~Listener() {
  Message close;
  close.kind = MessageKind::kClose;
  close.session = id_;
  send_(close);
}

void Listener::hear(std::string sound, Clock::time_point now) {
  heard_ = now;
  quiet_ = false;
  add(std::move(sound));
}

void Listener::add(std::string sound) {
  waiting_.push_back(std::move(sound));
  if (waiting_.size() > kMostWaiting) waiting_.pop_front();
  send_on();
}

void Listener::send_on() {
  while (under_way_ < kMostUnderWay && !waiting_.empty()) {
    const std::string sound = std::move(waiting_.front());
    waiting_.pop_front();
    try {
      Message piece;
      piece.kind = MessageKind::kSound;
      piece.session = id_;
      piece.fd = share_file(sound);
      if (send_(piece)) ++under_way_;
    } catch (const std::exception& error) {
      log(LogLevel::kWarning, std::string("some sound is not listened to: ") + error.what());
    }
  }
}

void Listener::on_taken() {
  if (under_way_ > 0) --under_way_;
  send_on();
}

void Listener::tick(Clock::time_point now) {
  if (quiet_ || now - heard_ < kSoundPause) return;
  quiet_ = true;
  add(std::string(kListenBytes, '\0'));
}

}  // namespace liveedit::server
