// SPDX-License-Identifier: LGPL-2.1-or-later
// rtsp://SERVER:PORT/USER
#pragma once

#include <memory>
#include <string>

#include "server/media/outlet.h"
#include "streaming/rtsp/live_mount.h"
#include "streaming/rtsp/rtsp_server.h"

namespace liveedit::server {

class RtspOutlet : public Outlet {
 public:
  // Throws Error where the path is taken.
  RtspOutlet(std::shared_ptr<streaming::rtsp::Server> server, const std::string& user);

  void push(streaming::InputKind kind, GstSample* sample) override;
  void stop() override;

 private:
  const std::shared_ptr<streaming::rtsp::Server> server_;
  const std::string path_;
  const std::shared_ptr<streaming::rtsp::LiveMount> mount_;
};

}  // namespace liveedit::server
