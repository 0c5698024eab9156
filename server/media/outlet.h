// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a session's pictures and sound go besides its WebRTC viewers.
#pragma once

#include <gst/gst.h>

#include "streaming/base/live_inputs.h"

namespace liveedit::server {

class Outlet {
 public:
  virtual ~Outlet() = default;
  // Raw pictures (edited) and raw sound, as they come. Thread-safe, and does not wait.
  virtual void push(streaming::InputKind kind, GstSample* sample) = 0;
  // Ends it; may take some seconds. Not from the I/O thread; nothing is pushed after it.
  virtual void stop() = 0;
};

}  // namespace liveedit::server
