// SPDX-License-Identifier: LGPL-2.1-or-later
// The media of all sessions, and the addresses at which they are asked for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/media/hls_outlet.h"
#include "server/media/local_input.h"
#include "server/media/media_session.h"
#include "server/media/virtual_camera.h"
#include "server/session/sessions.h"
#include "streaming/http/server.h"
#include "streaming/rtsp/rtsp_server.h"
#include "streaming/webrtc/worker.h"

namespace liveedit::server {

class Media : public std::enable_shared_from_this<Media> {
 public:
  // Throws Error where something of the configuration cannot be had (the RTSP port, the virtual camera).
  Media(const Config& config, std::shared_ptr<Sessions> sessions);

  std::vector<streaming::http::Route> routes();

  // Begins with the inputs of this machine. Not from the I/O thread.
  void start();
  // After Sessions::stop(): ends what is left, and waits for it. Not from the I/O thread.
  void stop();

 private:
  // Null: there is none of this user. I/O thread, as all below.
  std::shared_ptr<MediaSession> find(const std::string& user);
  // That of an existing session, made where there is none yet.
  std::shared_ptr<MediaSession> of(const std::shared_ptr<Session>& session);
  using OnRequest = void(const std::string& user, const streaming::http::Request& request,
                         const streaming::http::ResponderPtr& responder);
  OnRequest on_whip, on_whep, on_record, on_snapshot, on_facts, on_code, on_hls;
  OnRequest on_hls_file;  // of a folder, not of a user
  // Answers with why not: this name belongs to somebody else. false: it does not.
  bool refused(const std::string& user, const streaming::http::Request& request,
               const streaming::http::ResponderPtr& responder);
  void add_outlets(MediaSession* media, const std::string& user);
  void start_input(const std::string& name, const std::string& uri);

  const Config config_;
  const MediaSettings settings_;
  const std::shared_ptr<Sessions> sessions_;
  const std::shared_ptr<streaming::http::IoThread> io_;
  std::map<std::string, std::shared_ptr<MediaSession>> all_;
  std::map<std::string, std::shared_ptr<HlsOutlet>> hls_;  // by user
  std::vector<std::shared_ptr<Session>> local_;            // sessions of inputs
  std::vector<std::unique_ptr<LocalInput>> inputs_;
  std::shared_ptr<streaming::rtsp::Server> rtsp_;  // null: none
  std::shared_ptr<VirtualCamera> camera_;          // null: none
  std::weak_ptr<MediaSession> on_camera_;          // whose pictures it shows
  streaming::Worker slow_;                         // what the I/O thread must not wait for
};

}  // namespace liveedit::server
