// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/fast_video.h"

#include <cstring>
#include <optional>

#include <nlohmann/json.hpp>

#include "server/picture/base64.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using Json = nlohmann::ordered_json;

constexpr uint8_t kWhite = 255;

// The option's name there, and the parameter here.
struct Option {
  const char* id;
  const char* key;
};
constexpr Option kOptions[] = {{"prompt", "prompt"},      {"negative", "negative_prompt"},
                               {"strength", "strength"},  {"steps", "num_inference_steps"},
                               {"cfg", "guidance_scale"}, {"seed", "seed"}};
// What that system has besides, and what is true of it here.
constexpr const char* kFixed[] = {"device",     "dtype",    "batch", "model", "deepcache",
                                  "stablefast", "inductor", "width", "height"};

Json to_json(const Value& value) {
  return std::visit([](const auto& plain) { return Json(plain); }, value);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json options_of(const Session& session, const ParameterTable& table, const std::string& facts_text) {
  const Json facts = Json::parse(facts_text, nullptr, false);
  const auto fact = [&](const char* name) { return facts.is_object() ? facts.value(name, std::string()) : ""; };
  Json options = {{"device", fact("device")}, {"dtype", fact("dtype")}, {"batch", 1}, {"model", fact("model")}};
  for (const Option& option : kOptions) {
    for (const ParameterSpec& spec : table.specs()) {
      if (spec.key != option.key) continue;
      const auto set = session.parameters().find(spec.name);
      options[option.id] = to_json(set == session.parameters().end() ? spec.shown_default : set->second);
    }
  }
  options.update({{"deepcache", false}, {"stablefast", false}, {"inductor", false}});
  return options;
}

// As the option's type has it: forms send texts.
Json cast(const Json& given, const ParameterSpec& spec) {
  const bool is_text = spec.type == "string" || spec.type == "choice";
  if (is_text || !given.is_string()) return given;
  const Json read = Json::parse(given.get_ref<const std::string&>(), nullptr, false);
  return read.is_discarded() ? given : read;
}

Json set_option(Session* session, const ParameterTable& table, const Json& asked) {
  const auto refused = [](const std::string& why) { return Json{{"ok", false}, {"message", why}}; };
  if (!asked.contains("data") || !asked["id"].is_string())
    return refused("An option is {\"id\": name, \"data\": value}.");
  const std::string id = asked["id"].get<std::string>();
  for (const char* fixed : kFixed) {
    if (id == fixed) return refused(id + " is set by whoever runs the server.");
  }
  for (const Option& option : kOptions) {
    if (id != option.id) continue;
    for (const ParameterSpec& spec : table.specs()) {
      if (spec.key != option.key) continue;
      Json value = cast(asked["data"], spec);
      // There no guidance is 0.
      if (id == "cfg" && value.is_number() && value >= 0 && value < 1) value = 1;
      const std::string wrong = session->set(dump({{spec.key, value}}));
      return wrong.empty() ? Json{{"ok", true}} : refused(wrong);
    }
  }
  return refused("There is no option " + id + ".");
}

Json answer(Session* session, const ParameterTable& table, std::string_view text, size_t message_bytes) {
  if (text.size() > message_bytes) return {{"ok", false}, {"message", "This message is too long."}};
  const Json asked = Json::parse(text, nullptr, false);
  if (asked.is_object() && asked.contains("ready")) return {{"ready", session->wants_frame()}};
  if (asked.is_object() && asked.contains("id")) return set_option(session, table, asked);
  return {{"ok", false}, {"message", "What is said here is {\"ready\": true} and {\"id\": name, \"data\": value}."}};
}

// What cannot be read becomes a white frame.
PictureSize read_or_white(const std::string& jpeg, Codecs& codecs, PictureSize box, uint8_t* to) {
  try {
    return codecs.reader.read(jpeg, box, to);
  } catch (const std::exception&) {
    memset(to, kWhite, static_cast<size_t>(box.width) * box.height * kPixelBytes);
    return box;
  }
}

}  // namespace

std::string jpeg_of_data_url(std::string_view url) {
  constexpr std::string_view kHead = "data:image/jpeg;base64,";
  std::string jpeg;
  if (!url.starts_with(kHead) || !decode_base64(url.substr(kHead.size()), &jpeg)) return {};
  return jpeg;
}

http::WebSocketEvents FastVideo::control(const std::shared_ptr<Session>& session,
                                         const std::shared_ptr<http::WebSocket>& socket, const ParameterTable& table,
                                         const std::string& facts, size_t message_bytes) {
  session->begin_input();
  socket->send_text(dump(options_of(*session, table, facts)));
  http::WebSocketEvents events;
  events.on_text = [session, socket, &table, message_bytes](std::string_view text) {
    socket->send_text(dump(answer(session.get(), table, text, message_bytes)));
  };
  events.on_binary = [socket](std::string_view) {
    socket->close(http::kClosePolicy, "pictures go to the data socket");
  };
  events.on_close = [session] { session->end_input(); };
  return events;
}

http::WebSocketEvents FastVideo::data(const std::shared_ptr<Session>& session,
                                      const std::shared_ptr<http::WebSocket>& socket, int quality) {
  session->begin_input();
  session->set_sink(quality, [socket](const std::string& jpeg) {
    // Whoever reads slowly gets the newest picture, not all of them.
    if (socket->waiting() < 2) socket->send_binary(std::make_shared<const std::string>(jpeg));
  });
  http::WebSocketEvents events;
  events.on_binary = [session](std::string_view bytes) {
    session->offer([url = std::make_shared<const std::string>(bytes)](Codecs& codecs, PictureSize box, uint8_t* to) {
      return read_or_white(jpeg_of_data_url(*url), codecs, box, to);
    });
  };
  events.on_text = events.on_binary;
  events.on_close = [session] {
    session->set_sink(0, nullptr);
    session->end_input();
  };
  return events;
}

}  // namespace liveedit::server
