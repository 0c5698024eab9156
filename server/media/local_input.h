// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera, a film or a stream that the server's owner has named (media.inputs): a session without a browser. Sound is
// kept. A film begins again at its end; what breaks is tried again, later each time; a camera that is pulled out is
// waited for and found again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "server/media/camera_node.h"
#include "streaming/base/gst_pointers.h"
#include "streaming/webrtc/publisher.h"

namespace liveedit::server {

class LocalInput {
 public:
  // `uri`: v4l2:///dev/video0, file:///..., rtsp://..., http(s)://... . Frames and sound go to `target`, from threads
  // of its own.
  LocalInput(std::string name, std::string uri, std::weak_ptr<streaming::PublisherTarget> target);
  ~LocalInput();  // waits for its thread
  LocalInput(const LocalInput&) = delete;
  LocalInput& operator=(const LocalInput&) = delete;

 private:
  struct Taker;

  void run();
  // Until there is a camera to open. `waited`: it was not there. Empty: stop.
  std::string wait_for_uri(bool* waited);
  // One life of the pipeline. Gives why it ended; empty: the film was over, or stop.
  std::string play(const std::string& uri);
  streaming::ObjectPtr<GstElement> make_pipeline(const std::string& uri) const;
  bool stopping();
  bool sleep(std::chrono::milliseconds time);  // false: stop

  const std::string name_, uri_;
  std::optional<CameraNode> camera_;
  const std::weak_ptr<streaming::PublisherTarget> target_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// "NAME=URI". Throws Error (kSettings) where the name or the kind of URI does not fit.
std::pair<std::string, std::string> split_input(const std::string& text);

}  // namespace liveedit::server
