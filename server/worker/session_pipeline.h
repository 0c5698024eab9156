// SPDX-License-Identifier: LGPL-2.1-or-later
// One session's pipeline: frames from shared memory in, edited frames into shared memory out.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "server/link/frame_memory.h"
#include "server/link/message.h"
#include "server/worker/pipeline_template.h"

namespace liveedit::server {

// All but the constructor and the destructor may be called from one thread at a time. What it has to say goes to `say`,
// from GStreamer's threads too.
class SessionPipeline {
 public:
  using Say = std::function<void(Message)>;

  // Starts it. `open`: kOpen. Throws Error where the pipeline cannot be made or started.
  SessionPipeline(const std::string& text, const FixedSettings& fixed, Message open, Say say);
  // Stops it; frames inside are forgotten, and nothing is said any more.
  ~SessionPipeline();
  SessionPipeline(const SessionPipeline&) = delete;
  SessionPipeline& operator=(const SessionPipeline&) = delete;

  // From the next frame on, and not before it.
  void set(const Parameters& parameters);
  void push(const Message& frame);  // kFrame
  // What the element that edits runs with and has done, as a JSON object.
  std::string facts() const;

 private:
  struct Pending {
    GstClockTime pts;
    uint64_t frame;
    uint32_t slot;
  };
  struct Change {
    GstClockTime pts;  // of the first frame that it is for
    Parameters parameters;
  };

  static GstPadProbeReturn on_frame(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void apply(const Parameters& parameters);
  static GstFlowReturn on_sample(GstAppSink* sink, gpointer self);
  static GstBusSyncReply on_bus(GstBus* bus, GstMessage* message, gpointer self);
  void on_error(GstMessage* message);
  void on_progress(GstMessage* message);
  void deliver(GstSample* sample);
  // Writes the picture into the slot; false: it does not fit.
  bool write(GstSample* sample, const Pending& frame, Message* picture);
  void answer(const Pending& frame, MessageKind kind);
  void tell(MessageKind kind, std::string text);
  GstClockTime next_pts();

  const uint32_t session_;
  const std::string name_;
  const Say say_;
  std::shared_ptr<FrameMemory> memory_;
  streaming::ObjectPtr<GstElement> pipeline_, edit_;
  streaming::ObjectPtr<GstAppSrc> in_;
  uint32_t width_ = 0, height_ = 0;  // of the caps that were set last
  GstClockTime last_pts_ = GST_CLOCK_TIME_NONE;
  Parameters next_;  // for the next frame

  std::mutex mutex_;
  std::deque<Pending> pending_;
  std::deque<Change> changes_;
  std::string error_;
  int loading_ = 0;
};

}  // namespace liveedit::server
