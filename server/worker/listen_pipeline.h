// SPDX-License-Identifier: LGPL-2.1-or-later
// One session's sound in, what is said in it out.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "server/link/message.h"
#include "server/worker/pipeline_template.h"

namespace liveedit::server {

// All but the constructor and the destructor may be called from one thread at a time. What it has to say goes to `say`,
// from GStreamer's threads too: kHeard for each sentence and command, kTaken for each push(), kFailed once.
class ListenPipeline {
 public:
  using Say = std::function<void(Message)>;
  // Sound that waits for a recogniser that is being loaded; of more the oldest is left out.
  static constexpr guint64 kWaitingBytes = guint64{5} * kListenRate * sizeof(gint16);

  // Starts it. `text`: the template listen.launch; empty: there is none. Throws Error where it cannot be made or
  // started.
  ListenPipeline(const std::string& text, const FixedSettings& fixed, uint32_t listener, Say say);
  // Stops it; nothing is said any more.
  ~ListenPipeline();
  ListenPipeline(const ListenPipeline&) = delete;
  ListenPipeline& operator=(const ListenPipeline&) = delete;

  // kSound. Throws Error where its file is not one.
  void push(const Message& sound);

 private:
  static GstFlowReturn on_sample(GstAppSink* sink, gpointer self);
  static GstBusSyncReply on_bus(GstBus* bus, GstMessage* message, gpointer self);
  void on_error(GstMessage* message);
  void tell(MessageKind kind, std::string text, Parameters parameters = {});

  const uint32_t listener_;
  const Say say_;
  streaming::ObjectPtr<GstElement> pipeline_;
  streaming::ObjectPtr<GstAppSrc> in_;
  guint64 samples_ = 0;  // so far

  std::mutex mutex_;
  std::string error_;
};

}  // namespace liveedit::server
