// SPDX-License-Identifier: LGPL-2.1-or-later
// What a client says over WS /api/ws/{userId}: per frame {"status":"next_frame"}, a JSON object of parameters, and the
// picture's bytes, where pictures come from the client; {"mode":"..."} and {"listen":bool} between frames. Text and
// bytes alone, without sockets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace liveedit::server {

class FrameProtocol {
 public:
  // `pictures`: whether one follows on the parameters of a frame.
  explicit FrameProtocol(size_t message_bytes, bool pictures = true)
      : message_bytes_(message_bytes), pictures_(pictures) {}

  struct Outcome {
    enum Kind {
      kNothing,  // more is to come
      kFrame,    // parameters() and image() are those of a frame
      kNoFrame,  // the client has no picture now; text, if any: what is wrong with its frame
      kMode,     // text: the mode asked for
      kListen,   // text: "on" or empty: whether what is said in the session's sound shall become its prompt
      kRefused,  // text: what is wrong with it; the client may go on with the next frame
      kBroken,   // text: what is wrong; what the client says next cannot be understood
    } kind = kNothing;
    std::string text;
  };

  Outcome on_text(std::string_view text);
  Outcome on_binary(std::string_view bytes);

  // Of the last kFrame; to be moved from.
  std::string& parameters() { return parameters_; }  // a JSON object
  std::string& image() { return image_; }

 private:
  enum class Expected { kNextFrame, kParameters, kImage };

  Outcome on_request(std::string_view text);
  Outcome on_parameters(std::string_view text);

  size_t message_bytes_;
  bool pictures_;
  Expected expected_ = Expected::kNextFrame;
  bool refused_ = false;  // of the frame that is being sent
  std::string parameters_, image_;
};

// [A-Za-z0-9_-]{1,64}
bool valid_user_id(std::string_view id);

}  // namespace liveedit::server
