// SPDX-License-Identifier: LGPL-2.1-or-later
// One client: its WebSocket, its settings, its pipeline in the worker and who watches. I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/session/engine.h"
#include "server/session/frame_protocol.h"
#include "server/session/parameters.h"
#include "server/session/viewers.h"
#include "server/session/work_pool.h"
#include "streaming/http/websocket.h"

namespace liveedit::server {

// What all sessions are given.
struct SessionServices {
  PictureSize box{512, 512};
  uint32_t frames_in_flight = 2;
  size_t message_bytes = 64 * 1024, text_bytes = 2000;
  std::chrono::seconds timeout{0};  // without a frame; 0: none

  WorkPool* pool = nullptr;
  // Runs something on the I/O thread, now or after a while; from any thread.
  std::function<void(std::function<void()>)> post;
  std::function<std::shared_ptr<void>(std::chrono::milliseconds, std::function<void()>)> after;
  // Null where the worker cannot take one now.
  std::function<std::unique_ptr<Engine>(const std::string& pipeline, const Parameters& parameters)> open_engine;
  // What may be set; changes with the worker.
  std::function<const ParameterTable&()> table;
  // Why there is no such mode; empty: there is.
  std::function<std::string(const std::string& mode)> problem_with_mode;
};

struct SessionStats {
  uint64_t frames_in = 0, frames_out = 0;
  uint64_t replaced = 0;  // by a newer frame of the same client before they were edited
  uint64_t lost = 0, refused = 0;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::string user, std::shared_ptr<const SessionServices> services);

  // `greet_with_wait`: the dialect in which {"status":"wait"} follows "connected" always.
  void connect(std::shared_ptr<streaming::http::WebSocket> socket, bool greet_with_wait);
  void on_text(std::string_view text);
  void on_binary(std::string_view bytes);
  void on_socket_closed();

  void on_worker_up();
  void on_worker_down();
  // What the worker says about the pipeline of this session.
  void on_worker_message(const Message& message);
  // Several times a second.
  void tick(Clock::time_point now);
  // The server ends: says so.
  void end(int code, const std::string& why);

  const std::string& user() const { return user_; }
  bool connected() const { return socket_ != nullptr; }
  Clock::time_point left() const { return left_; }  // when the last socket went
  const Engine* engine() const { return engine_.get(); }
  Viewers& viewers() { return viewers_; }
  const SessionStats& stats() const { return stats_; }
  const std::string& mode() const { return mode_; }

 private:
  void handle(const FrameProtocol::Outcome& outcome);
  void on_frame();
  void change_mode(const std::string& mode);
  void open_engine();
  void close_engine();
  // Edits the frame that waits, or asks for one.
  void go_on();
  void decode(uint32_t slot);
  void on_decoded(uint32_t engine, uint32_t slot, PictureSize size, const std::string& problem);
  void on_picture(const Message& picture);
  void on_encoded(uint32_t engine, uint32_t slot);
  void show_late(Clock::time_point now);
  void on_failed(const std::string& why);
  void say(const char* status, const std::string& message = "");
  void finish(const char* status, const std::string& message, int code);

  const std::string user_;
  const std::shared_ptr<const SessionServices> services_;
  std::shared_ptr<streaming::http::WebSocket> socket_;
  FrameProtocol protocol_;
  std::string mode_ = "full";
  Parameters parameters_;
  std::unique_ptr<Engine> engine_;
  Viewers viewers_;
  SessionStats stats_;

  // The newest frame that waits for a slot: its parameters have been read, its picture has not.
  std::optional<std::string> waiting_;
  bool decoding_ = false;
  bool asked_ = false;          // for a frame that has not come yet
  bool holding_ = false;        // {"status":"wait"} was the last word
  std::shared_ptr<void> soon_;  // asks again in a while
  std::shared_ptr<void> late_;  // shows a picture that came too early for somebody
  uint64_t pictures_ = 0;
  int failures_ = 0;  // of its pipeline, in a row
  Clock::time_point left_ = Clock::now(), last_frame_ = Clock::now();
};

}  // namespace liveedit::server
