// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/session.h"

#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using Outcome = FrameProtocol::Outcome;

// A client without a picture is asked again after this time; a pipeline that failed is opened again after this time.
constexpr std::chrono::milliseconds kAskAgain{50}, kOpenAgain{1000};
constexpr int kFailuresInARow = 3;
// What pictures are made from where none comes: neither dark nor light.
constexpr uint8_t kGrey = 128;
// So long nobody waits for the frame of somebody else.
constexpr std::chrono::milliseconds kStuck{1000};

}  // namespace

Session::Session(std::string user, uint32_t number, bool local, std::shared_ptr<const SessionServices> services)
    : user_(std::move(user)),
      number_(number),
      local_(local),
      services_(std::move(services)),
      protocol_(services_->message_bytes),
      listens_(services_->listen) {}

Session::~Session() {
  services_->turns->leave(number_);
}

bool Session::admits(const Caller& caller) {
  if (!owner_) owner_.emplace(caller);
  return owner_->admits(caller);
}

void Session::say(const char* status, const std::string& message) {
  if (!socket_) return;
  nlohmann::ordered_json json = {{"status", status}};
  if (!message.empty()) json["message"] = message;
  socket_->send_text(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// With the place in the queue, for who is in it.
void Session::say_wait() {
  told_place_ = place_;
  if (!socket_) return;
  nlohmann::ordered_json json = {{"status", "wait"}};
  if (place_ > 0) json["position"] = place_;
  socket_->send_text(json.dump());
}

void Session::set_place(size_t place) {
  served_ = place == 0;
  place_ = place;
  if (served_) {
    if (!engine_) open_engine();
    go_on();
  } else if (place_ != told_place_) {
    holding_ = true;
    say_wait();
  }
}

void Session::clear_place() {
  served_ = false;
  place_ = 0;
}

bool Session::busy(Clock::time_point now) const {
  if (!engine_ || !engine_->loaded()) return false;
  const auto since = engine_->waiting_since();
  if (!since) return waiting_.has_value() || decoding_;
  const auto usual = std::chrono::duration<double, std::milli>(services_->cost(mode_));
  return now - *since < std::max<std::chrono::duration<double, std::milli>>(kStuck, 10 * usual);
}

bool Session::has_turn() {
  services_->turns->set_busy(number_, busy(Clock::now()));
  wants_turn_ = !services_->turns->may_go(number_, services_->cost(mode_));
  return !wants_turn_;
}

void Session::try_turn() {
  if (wants_turn_) go_on();
}

// The last word to this client; the session stays for a while.
void Session::finish(const char* status, const std::string& message, int code) {
  say(status, message);
  if (socket_) socket_->close(code, message.substr(0, 120));
}

void Session::connect(std::shared_ptr<http::WebSocket> socket, Dialect dialect) {
  socket_ = std::move(socket);
  // Every connection begins with mode full, and listens or not as the configuration has it.
  if (mode_ != "full" || (dialect == Dialect::kTexts) != (dialect_ == Dialect::kTexts)) close_engine();
  mode_ = "full";
  early_mode_.clear();
  dialect_ = dialect;
  want_sound(services_->listen);
  protocol_ = FrameProtocol(services_->message_bytes, dialect != Dialect::kTexts);
  asked_ = holding_ = live_ = false;
  flat_pictures_ = dialect == Dialect::kTexts ? std::optional<int>(0) : std::nullopt;
  failures_ = 0;
  waiting_.reset();
  told_place_ = 0;
  last_frame_ = Clock::now();
  say("connected", "Connected");
  if (dialect_ == Dialect::kFramesAfterWait) say("wait");
  services_->arrange();
  if (!engine_) open_engine();
  go_on();
}

void Session::on_socket_closed() {
  socket_.reset();
  if (inputs_ == 0) leave();
}

void Session::leave() {
  soon_.reset();
  waiting_.reset();
  listener_.reset();
  left_ = Clock::now();
  clear_place();
  services_->turns->set_busy(number_, false);
  services_->arrange();
}

void Session::begin_input() {
  ++inputs_;
  failures_ = 0;
  last_frame_ = Clock::now();
  services_->arrange();
  if (!engine_) open_engine();
  go_on();
}

void Session::end_input() {
  if (--inputs_ == 0 && !socket_) leave();
}

std::string Session::set(std::string_view json) {
  Parameters read;
  const std::string wrong = services_->table().read(json, services_->text_bytes, &read);
  if (!wrong.empty()) return wrong;
  if (services_->table().specs().empty()) early_settings_ = json;
  for (auto& [name, value] : read) {
    // The session's own, of which the worker knows nothing.
    if (name == ReferencePicture::kRatioName) {
      blend_ratio_ = std::get<double>(value);
    } else {
      parameters_[name] = std::move(value);
    }
  }
  return {};
}

void Session::set_reference(uint64_t order, std::shared_ptr<ReferencePicture> reference) {
  if (order == reference_order_) reference_ = std::move(reference);
}

void Session::set_output(std::shared_ptr<PictureOutput> output) {
  output_ = std::move(output);
  if (output_) output_->want_sound(listens_);
}

void Session::on_text(std::string_view text) {
  if (dialect_ == Dialect::kMedia) {
    on_media_text(text);
  } else {
    handle(protocol_.on_text(text));
  }
}

// {"mode":"..."}, {"listen":bool} and {"settings":{...}}, in one message or apart.
void Session::on_media_text(std::string_view text) {
  const auto json =
      text.size() <= services_->message_bytes ? nlohmann::json::parse(text, nullptr, false) : nlohmann::json();
  const bool has_settings = json.is_object() && json.contains("settings") && json["settings"].is_object();
  const bool has_mode = json.is_object() && json.contains("mode") && json["mode"].is_string();
  const bool has_listen = json.is_object() && json.contains("listen") && json["listen"].is_boolean();
  if (!has_settings && !has_mode && !has_listen) {
    ++stats_.refused;
    finish("error", "What is said here is {\"settings\":{...}}, {\"mode\":\"...\"} and {\"listen\":true}.",
           http::kClosePolicy);
    return;
  }
  last_frame_ = Clock::now();
  if (has_settings) {
    const std::string wrong = set(json["settings"].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (!wrong.empty()) {
      ++stats_.refused;
      say("error", wrong);
    }
  }
  if (has_mode) change_mode(json["mode"].get<std::string>());
  if (has_listen) listen(json["listen"].get<bool>());
}

void Session::on_binary(std::string_view bytes) {
  if (dialect_ == Dialect::kMedia) {
    ++stats_.refused;
    finish("error", "Pictures come by WebRTC here.", http::kClosePolicy);
    return;
  }
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
      if (!outcome.text.empty()) {
        ++stats_.refused;
        say("error", outcome.text);
      }
      soon_ = services_->after(kAskAgain, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->go_on();
      });
      break;
    case Outcome::kMode:
      change_mode(outcome.text);
      break;
    case Outcome::kListen:
      listen(!outcome.text.empty());
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
  const std::string wrong = set(protocol_.parameters());
  if (!wrong.empty()) {
    last_frame_ = Clock::now();
    ++stats_.frames_in;
    ++stats_.refused;
    say("error", wrong);
    go_on();
    return;
  }
  if (dialect_ == Dialect::kTexts) {
    offer([](Codecs&, PictureSize box, uint8_t* to) {
      memset(to, kGrey, static_cast<size_t>(box.width) * box.height * kPixelBytes);
      return box;
    });
    return;
  }
  offer([image = std::make_shared<const std::string>(std::move(protocol_.image()))](
            Codecs& codecs, PictureSize box, uint8_t* to) { return codecs.reader.read(*image, box, to); });
}

void Session::on_worker_introduced() {
  if (!early_settings_.empty()) {
    const std::string wrong = set(std::exchange(early_settings_, {}));
    if (!wrong.empty()) {
      ++stats_.refused;
      say("error", wrong);
    }
  }
  if (!early_mode_.empty()) change_mode(std::exchange(early_mode_, {}));
}

void Session::change_mode(const std::string& mode) {
  if (services_->table().specs().empty()) {
    early_mode_ = mode;
    return;
  }
  std::string problem = services_->problem_with_mode(mode);
  if (dialect_ == Dialect::kTexts && mode != "full")
    problem = "Without a picture there is nobody in it: the mode is full.";
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
  if (served_) engine_ = services_->open_engine(mode_, parameters_);
}

void Session::close_engine() {
  engine_.reset();
  decoding_ = false;
  offered_.clear();
  services_->turns->set_busy(number_, false);
}

void Session::on_worker_up() {
  failures_ = 0;
  if (!engine_) open_engine();
  if (socket_ && listens_ && !listener_) listener_ = services_->open_listener();
  go_on();
}

void Session::on_worker_down() {
  listener_.reset();
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

void Session::tick(Clock::time_point now) {
  viewers_.catch_up(now);
  if (listener_) listener_->tick(now);
  services_->turns->set_busy(number_, busy(now));
  const bool silent = services_->timeout.count() > 0 && now - last_frame_ > services_->timeout;
  if (socket_ && engine_ && served_ && silent && socket_->open())
    finish("timeout", "Your session has ended", http::kCloseNormal);
}

void Session::end(int code, const std::string& why) {
  listener_.reset();
  if (socket_) socket_->close(code, why);
  viewers_.close();
  if (const auto output = std::exchange(output_, nullptr)) output->session_ended();
}

}  // namespace liveedit::server
