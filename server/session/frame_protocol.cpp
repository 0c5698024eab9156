// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/frame_protocol.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::json;
using Outcome = FrameProtocol::Outcome;

Outcome refused(std::string why) {
  return {Outcome::kRefused, std::move(why)};
}

Outcome broken(std::string why) {
  return {Outcome::kBroken, std::move(why)};
}

}  // namespace

Outcome FrameProtocol::on_text(std::string_view text) {
  if (text.size() > message_bytes_)
    return broken("A message has " + std::to_string(message_bytes_) + " bytes at most.");
  switch (expected_) {
    case Expected::kNextFrame:
      return on_request(text);
    case Expected::kParameters:
      return on_parameters(text);
    case Expected::kImage:
      break;
  }
  return broken("After the parameters the picture is expected, in a binary message.");
}

Outcome FrameProtocol::on_request(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return refused("This is not a JSON object.");
  if (const auto mode = json.find("mode"); mode != json.end()) {
    if (!mode->is_string()) return refused("A mode is a text.");
    return {Outcome::kMode, mode->get<std::string>()};
  }
  if (const auto listen = json.find("listen"); listen != json.end()) {
    if (!listen->is_boolean()) return refused("listen is true or false.");
    return {Outcome::kListen, listen->get<bool>() ? "on" : ""};
  }
  const auto status = json.find("status");
  if (status == json.end() || !status->is_string() || status->get_ref<const std::string&>() != "next_frame")
    return broken("{\"status\":\"next_frame\"} is expected.");
  expected_ = Expected::kParameters;
  return {};
}

Outcome FrameProtocol::on_parameters(std::string_view text) {
  const bool good = Json::parse(text, nullptr, false).is_object();
  expected_ = pictures_ ? Expected::kImage : Expected::kNextFrame;
  // The picture of refused parameters comes all the same, and is passed over.
  refused_ = pictures_ && !good;
  if (!good) return {pictures_ ? Outcome::kRefused : Outcome::kNoFrame, "The parameters are not a JSON object."};
  parameters_ = text;
  return {pictures_ ? Outcome::kNothing : Outcome::kFrame, {}};
}

Outcome FrameProtocol::on_binary(std::string_view bytes) {
  if (!pictures_) return broken("With mode=video no pictures are sent: they are made of the parameters.");
  if (expected_ != Expected::kImage) return broken("A picture is expected after its parameters only.");
  expected_ = Expected::kNextFrame;
  if (std::exchange(refused_, false)) return {Outcome::kNoFrame, {}};
  if (bytes.empty()) return {Outcome::kNoFrame, {}};
  image_ = bytes;
  return {Outcome::kFrame, {}};
}

bool valid_user_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), allowed);
}

}  // namespace liveedit::server
