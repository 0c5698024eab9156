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

}  // namespace

Worker::Worker(UniqueFd socket, const std::string& folder, FixedSettings fixed)
    : channel_(std::move(socket)), templates_(read_templates(folder)), fixed_(std::move(fixed)) {}

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
    Message failed;
    failed.kind = MessageKind::kFailed;
    failed.session = session;
    failed.text = error.what();
    say(std::move(failed));
  }
}

void Worker::handle(Message message) {
  if (message.kind == MessageKind::kOpen) {
    // The first of a process opens the core and its libraries.
    say(MessageKind::kBusy);
    open(std::move(message));
    say(MessageKind::kAlive);
    return;
  }
  const auto found = sessions_.find(message.session);
  if (found == sessions_.end()) return;
  if (message.kind == MessageKind::kSet) found->second->set(message.parameters);
  if (message.kind == MessageKind::kFrame) found->second->push(message);
  if (message.kind == MessageKind::kClose) sessions_.erase(found);
}

void Worker::run() {
  say(MessageKind::kBusy);
  introduce();
  auto alive = Clock::time_point{};
  while (true) {
    const auto now = Clock::now();
    if (now - alive >= kAliveEvery) {
      Message message;
      message.kind = MessageKind::kAlive;
      if (!sessions_.empty()) message.text = sessions_.begin()->second->facts();
      say(std::move(message));
      alive = now;
    }
    Message message;
    const Channel::Result result = channel_.receive(&message, kAliveEvery.count() / 2);
    if (result == Channel::Result::kEnd) return;
    if (result == Channel::Result::kMessage) handle(std::move(message));
  }
}

}  // namespace liveedit::server
