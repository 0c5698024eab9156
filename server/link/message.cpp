// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/link/message.h"

#include <algorithm>
#include <array>
#include <limits>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::json;

// In the order of MessageKind.
constexpr std::array<std::string_view, 20> kNames = {
    "open", "set",  "frame",  "close",  "hello", "alive",   "busy",   "loading", "loaded", "picture",
    "lost", "note", "failed", "speech", "text",  "refused", "listen", "sound",   "taken",  "heard"};

template <typename T>
bool read_number(const Json& from, const char* name, T* to) {
  const auto at = from.find(name);
  if (at == from.end()) return true;
  if (!at->is_number_unsigned() || at->get<uint64_t>() > std::numeric_limits<T>::max()) return false;
  *to = at->get<T>();
  return true;
}

bool read_value(const Json& from, Value* to) {
  if (from.is_boolean()) {
    *to = from.get<bool>();
  } else if (from.is_number_float()) {
    *to = from.get<double>();
  } else if (from.is_number_unsigned() && from.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    return false;
  } else if (from.is_number()) {
    *to = from.get<int64_t>();
  } else if (from.is_string()) {
    *to = from.get<std::string>();
  } else {
    return false;
  }
  return true;
}

bool read_parameters(const Json& from, Parameters* to) {
  const auto at = from.find("parameters");
  if (at == from.end()) return true;
  if (!at->is_object()) return false;
  for (const auto& [name, value] : at->items()) {
    if (!read_value(value, &(*to)[name])) return false;
  }
  return true;
}

}  // namespace

std::string encode_message(const Message& message) {
  Json json = {{"kind", kNames[static_cast<size_t>(message.kind)]}, {"session", message.session}};
  if (message.frame) json["frame"] = message.frame;
  if (message.slot) json["slot"] = message.slot;
  if (message.width) json["width"] = message.width;
  if (message.height) json["height"] = message.height;
  if (message.slots) json["slots"] = message.slots;
  if (!message.text.empty()) json["text"] = message.text;
  for (const auto& [name, value] : message.parameters)
    std::visit([&json, &key = name](const auto& plain) { json["parameters"][key] = plain; }, value);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool decode_message(std::string_view datagram, Message* message) {
  const Json json = Json::parse(datagram, nullptr, false);
  if (!json.is_object()) return false;
  const auto kind = json.find("kind");
  if (kind == json.end() || !kind->is_string()) return false;
  const auto name = std::find(kNames.begin(), kNames.end(), kind->get_ref<const std::string&>());
  if (name == kNames.end()) return false;
  Message read;
  read.kind = static_cast<MessageKind>(name - kNames.begin());
  if (const auto text = json.find("text"); text != json.end()) {
    if (!text->is_string()) return false;
    read.text = text->get<std::string>();
  }
  if (!read_number(json, "session", &read.session) || !read_number(json, "frame", &read.frame) ||
      !read_number(json, "slot", &read.slot) || !read_number(json, "width", &read.width) ||
      !read_number(json, "height", &read.height) || !read_number(json, "slots", &read.slots) ||
      !read_parameters(json, &read.parameters))
    return false;
  *message = std::move(read);
  return true;
}

}  // namespace liveedit::server
