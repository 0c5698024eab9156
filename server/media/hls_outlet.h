// SPDX-License-Identifier: LGPL-2.1-or-later
// A session as HLS, for players that speak nothing faster. The encoder runs while somebody asks.
#pragma once

#include <memory>

#include "server/media/outlet.h"
#include "streaming/http_sink/hls_routes.h"
#include "streaming/http_sink/hls_stream.h"

namespace liveedit::server {

class HlsOutlet : public Outlet {
 public:
  // `user`: for the log.
  explicit HlsOutlet(const std::string& user);

  void push(streaming::InputKind kind, GstSample* sample) override;
  void stop() override { stream_->end(); }

  streaming::HlsRoutes& routes() { return routes_; }

 private:
  const std::shared_ptr<streaming::HlsStream> stream_;
  streaming::HlsRoutes routes_;
};

}  // namespace liveedit::server
