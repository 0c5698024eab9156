// SPDX-License-Identifier: LGPL-2.1-or-later
// RTSP servers of this process: one for each address and port, shared by the elements that mount something on it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gst/rtsp-server/rtsp-server.h>

namespace liveedit::streaming::rtsp {

struct ServerConfig {
  std::string bind_address = "127.0.0.1";  // an address, not a name
  int port = 8554;                         // 0: any that is free, then never shared
  std::string user = "viewer", token;      // RTSP authentication; no token: none
  bool insecure = false;                   // allows an address that others can reach without a token
  unsigned max_sessions = 64;
  std::string tls_certificate, tls_private_key;  // PEM files; rtsps
};

struct ServerStats {
  unsigned sessions = 0, connections = 0;
};

class Server {
 public:
  // One that runs at this address with these settings, or a new one. Throws Error: bad settings, the address cannot be
  // bound, or one of this process has it with other settings.
  static std::shared_ptr<Server> get(const ServerConfig& config);
  virtual ~Server() = default;

  // Takes a reference to `factory`. Throws Error where the path is taken.
  virtual void mount(const std::string& path, GstRTSPMediaFactory* factory) = 0;
  // Nobody new gets it, and who has it is disconnected. Returns when that is done.
  virtual void unmount(const std::string& path) = 0;
  // Disconnects who watches there, a second from now: time for the news that the stream has ended.
  virtual void disconnect_viewers(const std::string& path) = 0;

  virtual int port() const = 0;         // the one really bound
  virtual std::string url() const = 0;  // without a path: "rtsp://127.0.0.1:8554"
  virtual ServerStats stats() const = 0;
};

// Throws Error where `config` cannot work, and binds nothing.
void check_config(const ServerConfig& config);

}  // namespace liveedit::streaming::rtsp
