// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/session.h"

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using Outcome = FrameProtocol::Outcome;

// A client without a picture is asked again after this time; a pipeline that failed is opened again after this time.
constexpr std::chrono::milliseconds kAskAgain{50}, kOpenAgain{1000};
constexpr int kFailuresInARow = 3;

}  // namespace

Session::Session(std::string user, std::shared_ptr<const SessionServices> services)
    : user_(std::move(user)), services_(std::move(services)), protocol_(services_->message_bytes) {}

void Session::say(const char* status, const std::string& message) {
  if (!socket_) return;
  nlohmann::ordered_json json = {{"status", status}};
  if (!message.empty()) json["message"] = message;
  socket_->send_text(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// The last word to this client; the session stays for a while.
void Session::finish(const char* status, const std::string& message, int code) {
  say(status, message);
  if (socket_) socket_->close(code, message.substr(0, 120));
}

void Session::connect(std::shared_ptr<http::WebSocket> socket, bool greet_with_wait) {
  socket_ = std::move(socket);
  protocol_ = FrameProtocol(services_->message_bytes);
  asked_ = holding_ = false;
  failures_ = 0;
  waiting_.reset();
  last_frame_ = Clock::now();
  if (mode_ != "full") {  // every connection starts so
    mode_ = "full";
    close_engine();
  }
  say("connected", "Connected");
  if (greet_with_wait) say("wait");
  if (!engine_) open_engine();
  go_on();
}

void Session::on_socket_closed() {
  socket_.reset();
  soon_.reset();
  waiting_.reset();
  left_ = Clock::now();
}

void Session::on_text(std::string_view text) {
  handle(protocol_.on_text(text));
}

void Session::on_binary(std::string_view bytes) {
  handle(protocol_.on_binary(bytes));
}

void Session::handle(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::kNothing:
      break;
    case Outcome::kFrame:
      on_frame();
      break;
    case Outcome::kNoFrame:
      asked_ = false;
      soon_ = services_->after(kAskAgain, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->go_on();
      });
      break;
    case Outcome::kMode:
      change_mode(outcome.text);
      break;
    case Outcome::kRefused:
      ++stats_.refused;
      say("error", outcome.text);
      break;
    case Outcome::kBroken:
      ++stats_.refused;
      finish("error", outcome.text, http::kClosePolicy);
      break;
  }
}

void Session::on_frame() {
  asked_ = false;
  last_frame_ = Clock::now();
  ++stats_.frames_in;
  Parameters read;
  const std::string wrong = services_->table().read(protocol_.parameters(), services_->text_bytes, &read);
  if (!wrong.empty()) {
    ++stats_.refused;
    say("error", wrong);
    go_on();
    return;
  }
  for (auto& [name, value] : read) parameters_[name] = std::move(value);
  if (waiting_) ++stats_.replaced;
  waiting_ = std::move(protocol_.image());
  go_on();
}

void Session::change_mode(const std::string& mode) {
  const std::string problem = services_->problem_with_mode(mode);
  if (!problem.empty()) {
    ++stats_.refused;
    say("error", problem);
    return;
  }
  if (mode != mode_) {
    mode_ = mode;
    close_engine();
    open_engine();
  }
  if (socket_) socket_->send_text(nlohmann::ordered_json{{"status", "mode_changed"}, {"mode", mode_}}.dump());
  go_on();
}

void Session::open_engine() {
  engine_ = services_->open_engine(mode_, parameters_);
}

void Session::close_engine() {
  engine_.reset();
  decoding_ = false;
}

void Session::go_on() {
  if (!socket_ || !socket_->open()) return;
  if (!engine_) {
    if (!std::exchange(holding_, true)) say("wait");
    return;
  }
  // What was asked for before {"status":"wait"} is asked for again.
  if (std::exchange(holding_, false)) asked_ = false;
  if (waiting_ && !decoding_) {
    if (const auto slot = engine_->take_slot()) decode(*slot);
  }
  if (!asked_ && !waiting_ && engine_->has_free_slot()) {
    asked_ = true;
    say("send_frame");
  }
}

void Session::decode(uint32_t slot) {
  decoding_ = true;
  services_->pool->post([weak = weak_from_this(), post = services_->post, memory = engine_->memory(),
                         box = engine_->box(), engine = engine_->id(), slot,
                         image = std::move(*waiting_)](Codecs& codecs) {
    PictureSize size;
    std::string problem;
    try {
      size = codecs.reader.read(image, box, memory->in(slot));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    post([weak, engine, slot, size, problem] {
      if (const auto self = weak.lock()) self->on_decoded(engine, slot, size, problem);
    });
  });
  waiting_.reset();
}

void Session::on_decoded(uint32_t engine, uint32_t slot, PictureSize size, const std::string& problem) {
  if (!engine_ || engine_->id() != engine) return;  // that pipeline has gone meanwhile
  decoding_ = false;
  if (problem.empty()) {
    engine_->set(parameters_);
    engine_->submit(slot, size);
  } else {
    engine_->release(slot);
    ++stats_.refused;
    say("error", problem);
  }
  go_on();
}

void Session::on_worker_up() {
  failures_ = 0;
  if (!engine_) open_engine();
  go_on();
}

void Session::on_worker_down() {
  close_engine();
  go_on();  // says wait
}

void Session::on_worker_message(const Message& message) {
  switch (message.kind) {
    case MessageKind::kPicture:
      if (engine_->on_answer(message)) on_picture(message);
      break;
    case MessageKind::kLost:
      if (engine_->on_answer(message)) {
        ++stats_.lost;
        go_on();
      }
      break;
    case MessageKind::kLoading:
      engine_->on_loading();
      break;
    case MessageKind::kLoaded:
      engine_->on_loaded();
      break;
    case MessageKind::kFailed:
      on_failed(message.text);
      break;
    default:
      break;
  }
}

void Session::on_failed(const std::string& why) {
  close_engine();
  if (++failures_ >= kFailuresInARow) {
    finish("error", why, http::kCloseFailure);
    return;
  }
  say("error", why);
  soon_ = services_->after(kOpenAgain, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->engine_) return;
    self->open_engine();
    self->go_on();
  });
}

// The slot is the worker's again when everybody has their JPEG of it.
void Session::on_picture(const Message& picture) {
  failures_ = 0;
  ++stats_.frames_out;
  const std::vector<int> qualities = viewers_.qualities();
  const uint64_t number = ++pictures_;
  if (qualities.empty()) {
    engine_->release(picture.slot);
    go_on();
    return;
  }
  services_->pool->post([weak = weak_from_this(), post = services_->post, memory = engine_->memory(),
                         engine = engine_->id(), slot = picture.slot, size = PictureSize{picture.width, picture.height},
                         qualities, number](Codecs& codecs) {
    std::vector<std::pair<int, std::string>> jpegs;
    for (const int quality : qualities) {
      try {
        jpegs.emplace_back(quality, codecs.writer.write(memory->out(slot), size, quality));
      } catch (const std::exception&) {
        // Nobody gets this one; the next is another picture.
      }
    }
    post([weak, engine, slot, number, jpegs = std::move(jpegs)] {
      const auto self = weak.lock();
      if (!self) return;
      for (const auto& [quality, jpeg] : jpegs) self->viewers_.show(quality, number, jpeg, Clock::now());
      self->show_late(Clock::now());
      self->on_encoded(engine, slot);
    });
  });
}

void Session::on_encoded(uint32_t engine, uint32_t slot) {
  if (!engine_ || engine_->id() != engine) return;
  engine_->release(slot);
  go_on();
}

void Session::show_late(Clock::time_point now) {
  const auto next = viewers_.catch_up(now);
  if (!next) return;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*next - now);
  late_ = services_->after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->show_late(Clock::now());
  });
}

void Session::tick(Clock::time_point now) {
  viewers_.catch_up(now);
  const bool silent = services_->timeout.count() > 0 && now - last_frame_ > services_->timeout;
  if (socket_ && engine_ && silent && socket_->open()) finish("timeout", "Your session has ended", http::kCloseNormal);
}

void Session::end(int code, const std::string& why) {
  if (socket_) socket_->close(code, why);
  viewers_.close();
}

}  // namespace liveedit::server
