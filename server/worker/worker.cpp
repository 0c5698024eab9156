// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/worker.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "server/worker/live_properties.h"

namespace liveedit::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAliveEvery{1000};

// Whether the elements find their libraries and weights; without waiting until they are loaded.
std::string why_not_ready(GstElement* pipeline) {
  const streaming::ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline));
  std::string why;
  if (gst_element_set_state(pipeline, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE) {
    why = "The pipeline cannot be started.";
    if (GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR)) {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      why = error->message;
      g_error_free(error);
      gst_message_unref(message);
    }
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return why;
}

uint64_t held_frames(const SessionPipeline& session) {
  const auto facts = nlohmann::json::parse(session.facts(), nullptr, false);
  return facts.is_object() ? facts.value("frames-held", uint64_t{0}) : 0;
}

}  // namespace

Worker::Worker(UniqueFd socket, const std::string& folder, FixedSettings fixed, SpeechLimits speech)
    : channel_(std::move(socket)),
      templates_(read_templates(folder)),
      fixed_(std::move(fixed)),
      speech_(templates_[kSpeechTemplate], fixed_, speech, [this](Message said) { say(std::move(said)); }),
      listen_template_(templates_[kListenTemplate]) {
  templates_.erase(kSpeechTemplate);
  templates_.erase(kListenTemplate);
}

Worker::~Worker() = default;

void Worker::say(Message message) {
  channel_.send(message);
}

void Worker::say(MessageKind kind) {
  Message message;
  message.kind = kind;
  say(std::move(message));
}

// Which pipelines this machine can run, and what can be steered in them.
void Worker::introduce() {
  nlohmann::ordered_json about = {{"pipelines", nlohmann::json::object()}, {"properties", nlohmann::json::array()}};
  for (const auto& [name, text] : templates_) {
    auto& pipeline = about["pipelines"][name];
    try {
      const auto made = make_pipeline(name, text, fixed_);
      const auto edit = element_of(made.get(), kElementEdit);
      if (about["properties"].empty())
        about["properties"] = nlohmann::json::parse(describe_live_properties(edit.get()));
      const std::string why = why_not_ready(made.get());
      pipeline = {{"ready", why.empty()}, {"why", why}};
    } catch (const std::exception& error) {
      pipeline = {{"ready", false}, {"why", error.what()}};
    }
  }
  Message hello;
  hello.kind = MessageKind::kHello;
  hello.text = about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  say(std::move(hello));
}

void Worker::open(Message message) {
  const uint32_t session = message.session;
  try {
    const auto found = templates_.find(message.text);
    if (found == templates_.end()) throw std::runtime_error("There is no pipeline " + message.text + ".");
    sessions_[session] = std::make_unique<SessionPipeline>(found->second, fixed_, std::move(message),
                                                           [this](Message said) { say(std::move(said)); });
  } catch (const std::exception& error) {
    sessions_.erase(session);
    fail(session, error.what());
  }
}

void Worker::listen(uint32_t listener) {
  try {
    listeners_[listener] = std::make_unique<ListenPipeline>(listen_template_, fixed_, listener,
                                                            [this](Message said) { say(std::move(said)); });
  } catch (const std::exception& error) {
    listeners_.erase(listener);
    fail(listener, error.what());
  }
}

void Worker::hear(const Message& sound) {
  const auto listener = listeners_.find(sound.session);
  if (listener == listeners_.end()) return;
  try {
    listener->second->push(sound);
  } catch (const std::exception& error) {
    listeners_.erase(listener);
    fail(sound.session, error.what());
  }
}

void Worker::fail(uint32_t session, const std::string& why) {
  Message failed;
  failed.kind = MessageKind::kFailed;
  failed.session = session;
  failed.text = why;
  say(std::move(failed));
}

void Worker::close(uint32_t session) {
  listeners_.erase(session);
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  held_before_ += held_frames(*found->second);
  sessions_.erase(found);
}

// What the first session's model runs with, and the frames that were not fit to be shown, of all sessions.
std::string Worker::facts() const {
  if (sessions_.empty()) return "";
  auto facts = nlohmann::json::parse(sessions_.begin()->second->facts(), nullptr, false);
  if (!facts.is_object()) return "";
  uint64_t held = held_before_;
  for (const auto& [number, session] : sessions_) held += held_frames(*session);
  facts["frames-held-total"] = held;
  return facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Worker::handle(Message message) {
  const bool opens = message.kind == MessageKind::kOpen || message.kind == MessageKind::kListen;
  if (opens || message.kind == MessageKind::kClose) {
    // The first of a process opens the core and its libraries; an end waits for the frame that is being edited.
    say(MessageKind::kBusy);
    if (message.kind == MessageKind::kOpen) {
      open(std::move(message));
    } else if (message.kind == MessageKind::kListen) {
      listen(message.session);
    } else {
      close(message.session);
    }
    say(MessageKind::kAlive);
    return;
  }
  if (message.kind == MessageKind::kSpeech) return speech_.ask(std::move(message));
  if (message.kind == MessageKind::kSound) {
    hear(message);
    return;
  }
  const auto found = sessions_.find(message.session);
  if (found == sessions_.end()) return;
  if (message.kind == MessageKind::kSet) found->second->set(message.parameters);
  if (message.kind == MessageKind::kFrame) found->second->push(message);
}

void Worker::run() {
  say(MessageKind::kBusy);
  introduce();
  auto next_sign = Clock::now();
  while (true) {
    const auto now = Clock::now();
    if (now >= next_sign) {
      Message message;
      message.kind = MessageKind::kAlive;
      message.text = facts();
      say(std::move(message));
      next_sign = now + kAliveEvery;
    }
    Message message;
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(next_sign - now);
    const Channel::Result result = channel_.receive(&message, static_cast<int>(pause.count()));
    if (result == Channel::Result::kEnd) return;
    if (result == Channel::Result::kMessage) handle(std::move(message));
  }
}

}  // namespace liveedit::server
