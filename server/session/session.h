// SPDX-License-Identifier: LGPL-2.1-or-later
// One client: its WebSocket, its settings, its pipeline in the worker and who watches. I/O thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/security/owner.h"
#include "server/session/engine.h"
#include "server/session/fair_turns.h"
#include "server/session/frame_protocol.h"
#include "server/session/latency_histogram.h"
#include "server/session/listener.h"
#include "server/session/parameters.h"
#include "server/session/picture_output.h"
#include "server/session/reference_picture.h"
#include "server/session/slot_work.h"
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
  bool listen = false;              // to the sound of everybody who has not said whether

  WorkPool* pool = nullptr;
  // Runs something on the I/O thread, now or after a while; from any thread.
  std::function<void(std::function<void()>)> post;
  std::function<std::shared_ptr<void>(std::chrono::milliseconds, std::function<void()>)> after;
  // Null where the worker cannot take one now.
  std::function<std::unique_ptr<Engine>(const std::string& pipeline, const Parameters& parameters)> open_engine;
  std::function<std::unique_ptr<Listener>()> open_listener;
  // What may be set; changes with the worker.
  std::function<const ParameterTable&()> table;
  // Somebody came or left: gives everybody a place.
  std::function<void()> arrange;
  FairTurns* turns = nullptr;
  // Milliseconds that the worker has a frame of that mode for, as far as is known.
  std::function<double(const std::string& mode)> cost;
  // Why there is no such mode; empty: there is.
  std::function<std::string(const std::string& mode)> problem_with_mode;
};

struct SessionStats {
  uint64_t frames_in = 0, frames_out = 0;
  uint64_t replaced = 0;  // by a newer frame of the same client before they were edited
  uint64_t lost = 0, refused = 0;
  LatencyHistogram latency;  // from a frame's arrival to its picture, back from the worker

  void add(const SessionStats& other) {
    frames_in += other.frames_in;
    frames_out += other.frames_out;
    replaced += other.replaced;
    lost += other.lost;
    refused += other.refused;
    latency.add(other.latency);
  }
};

// What is spoken over a WebSocket.
enum class Dialect {
  kFrames,           // a frame whenever the server asks for one
  kFramesAfterWait,  // the same, and {"status":"wait"} follows "connected" always
  kTexts,            // parameters whenever the server asks for them: pictures are made of texts alone
  kMedia,            // frames come another way (WHIP, a camera of this machine): settings and news alone
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  // `number`: never used again. `local`: of this machine, and so nobody who waits in the queue.
  Session(std::string user, uint32_t number, bool local, std::shared_ptr<const SessionServices> services);
  ~Session();

  void connect(std::shared_ptr<streaming::http::WebSocket> socket, Dialect dialect);
  void on_text(std::string_view text);
  void on_binary(std::string_view bytes);
  void on_socket_closed();

  // A publisher, a camera, a film: what gives frames without being asked. Counts as a connection until end_input().
  void begin_input();
  void end_input();
  // The newest frame wins. Between begin_input() and end_input().
  void offer(Fill frame);
  // Null: none.
  void set_output(std::shared_ptr<PictureOutput> output);
  // Every picture as a JPEG of that quality, in order; null: no more. For one at a time.
  void set_sink(int quality, std::function<void(const std::string& jpeg)> sink);
  // Whether a frame that comes now is edited at once.
  bool wants_frame() const { return engine_ && served_ && !waiting_ && !decoding_ && engine_->has_free_slot(); }
  const Parameters& parameters() const { return parameters_; }
  // Settings as a JSON object, outside a frame. Gives what is wrong with them; then nothing is set.
  std::string set(std::string_view json);

  // A picture that frames are mixed with from now on; null: none. What was asked for last counts: `order` is what
  // next_reference() gave when it was.
  uint64_t next_reference() { return ++reference_order_; }
  void set_reference(uint64_t order, std::shared_ptr<ReferencePicture> reference);

  // Whether what is said in its sound becomes its prompt; its client is told.
  void listen(bool on);
  // Its sound goes on: see Listener. Without listen() it is passed over.
  void hear(std::string sound);
  const Listener* listener() const { return listener_.get(); }
  // What the worker says about that listener.
  void on_listener_message(const Message& message);

  // Whether this caller may steer: its owner is who asks first.
  bool admits(const Caller& caller);
  // Whether it has an owner, and this is who.
  bool belongs_to(const Caller& caller) { return owner_ && owner_->admits(caller); }

  // 0: is served from now on; others wait, the first in the queue with 1. See Sessions::arrange().
  void set_place(size_t place);
  // Not served until the next set_place().
  void clear_place();
  bool served() const { return served_; }
  bool local() const { return local_; }
  // Goes on where it waited for its turn.
  void try_turn();
  // Whether the worker has a frame of it, and has had it for no suspiciously long time.
  bool busy(Clock::time_point now) const;

  // What may be set is known for the first time: what was said before counts from here on.
  void on_worker_introduced();
  void on_worker_up();
  void on_worker_down();
  // What the worker says about the pipeline of this session.
  void on_worker_message(const Message& message);
  // Several times a second.
  void tick(Clock::time_point now);
  // The server ends: says so.
  void end(int code, const std::string& why);

  const std::string& user() const { return user_; }
  bool connected() const { return socket_ != nullptr || inputs_ > 0; }
  bool has_socket() const { return socket_ != nullptr; }
  Clock::time_point left() const { return left_; }  // when the last socket went
  const Engine* engine() const { return engine_.get(); }
  Viewers& viewers() { return viewers_; }
  const SessionStats& stats() const { return stats_; }
  const std::string& mode() const { return mode_; }

 private:
  void handle(const FrameProtocol::Outcome& outcome);
  void on_media_text(std::string_view text);
  void on_frame();
  void change_mode(const std::string& mode);
  void want_sound(bool wanted);
  void stop_listening(const std::string& why);
  void on_heard(const Message& heard);
  void on_command(const std::string& said);
  void say_listening();
  // What its next frame is edited with.
  Parameters frame_parameters() const;
  void open_engine();
  void close_engine();
  // Nobody gives it frames any more.
  void leave();
  // Edits the frame that waits, or asks for one.
  void go_on();
  void decode(uint32_t slot);
  void on_decoded(uint32_t slot, PictureSize size, const Parameters& parameters, const std::string& problem);
  void on_picture(const Message& picture);
  void look_for_anything(const Message& picture);
  void show(uint64_t number, const std::map<int, std::string>& jpegs);
  void on_encoded(uint32_t engine, uint32_t slot);
  void show_late(Clock::time_point now);
  void on_failed(const std::string& why);
  void say(const char* status, const std::string& message = "");
  void say_wait();
  void say_live();
  // Whether its next frame may go to the worker now.
  bool has_turn();
  void finish(const char* status, const std::string& message, int code);

  const std::string user_;
  std::optional<Owner> owner_;
  const uint32_t number_;
  const bool local_;
  const std::shared_ptr<const SessionServices> services_;
  std::shared_ptr<streaming::http::WebSocket> socket_;
  Dialect dialect_ = Dialect::kFrames;
  FrameProtocol protocol_;
  std::string mode_ = "full";
  Parameters parameters_;
  std::string early_settings_, early_mode_;  // the last that was said before a worker told what may be set
  std::unique_ptr<Engine> engine_;

  std::shared_ptr<ReferencePicture> reference_;
  uint64_t reference_order_ = 0;
  double blend_ratio_ = ReferencePicture::kUsualRatio;

  bool listens_;
  std::unique_ptr<Listener> listener_;  // while it listens and there is a worker
  Viewers viewers_;
  std::shared_ptr<PictureOutput> output_;
  std::function<void(const std::string&)> sink_;
  int sink_quality_ = 0;
  uint64_t sunk_ = 0;  // the number of the picture that went there last
  SessionStats stats_;

  // The newest frame that waits for a slot: its parameters have been read, its picture has not.
  struct Offered {
    Fill fill;
    Clock::time_point at;
    Parameters parameters;  // it is edited with these, whatever is set until then
    double blend_ratio = 0;
  };
  std::optional<Offered> waiting_;
  std::map<uint32_t, Clock::time_point> offered_;  // when the frame in a slot came
  bool served_ = false;
  size_t place_ = 0, told_place_ = 0;  // in the queue; told_place_: what the client knows
  bool wants_turn_ = false;
  int inputs_ = 0;
  bool decoding_ = false;
  bool asked_ = false;          // for a frame that has not come yet
  bool holding_ = false;        // {"status":"wait"} was the last word
  bool live_ = false;           // {"status":"live"} was: there are pictures
  std::shared_ptr<void> soon_;  // asks again in a while
  std::shared_ptr<void> late_;  // shows a picture that came too early for somebody
  uint64_t pictures_ = 0;
  std::optional<int> flat_pictures_;  // made of texts alone, one after the other; nothing: nobody looks any more
  int failures_ = 0;                  // of its pipeline, in a row
  Clock::time_point left_ = Clock::now(), last_frame_ = Clock::now();
};

}  // namespace liveedit::server
