// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/hls_outlet.h"

#include "server/log/log.h"

namespace liveedit::server {

HlsOutlet::HlsOutlet(const std::string& user)
    : stream_(std::make_shared<streaming::HlsStream>(
          streaming::HlsSettings(),
          [user](const std::string& text) { log(LogLevel::kWarning, "HLS of " + user + ": " + text); })),
      routes_(stream_, streaming::HlsSettings().bitrate) {}

void HlsOutlet::push(streaming::InputKind kind, GstSample* sample) {
  stream_->push(kind, sample, GST_CLOCK_TIME_NONE);
}

}  // namespace liveedit::server
