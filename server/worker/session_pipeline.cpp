// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/session_pipeline.h"

#include <cstring>
#include <utility>

#include <gst/video/video.h>

#include "server/worker/live_properties.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::CapsPtr;
using streaming::Error;
using streaming::ErrorKind;
using streaming::SamplePtr;

CapsPtr picture_caps(uint32_t width, uint32_t height) {
  return CapsPtr(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGBx", "width", G_TYPE_INT,
                                     static_cast<int>(width), "height", G_TYPE_INT, static_cast<int>(height),
                                     "framerate", GST_TYPE_FRACTION, 0, 1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1,
                                     1, nullptr));
}

std::string text_of(GstMessage* message, void (*parse)(GstMessage*, GError**, gchar**)) {
  GError* error = nullptr;
  parse(message, &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  return text;
}

}  // namespace

SessionPipeline::SessionPipeline(const std::string& text, const FixedSettings& fixed, Message open, Say say)
    : session_(open.session),
      name_(open.text),
      say_(std::move(say)),
      memory_(FrameMemory::attach(std::move(open.fd), open.width, open.height, open.slots)),
      pipeline_(make_pipeline(open.text, text, fixed)),
      edit_(element_of(pipeline_.get(), kElementEdit)),
      in_(GST_APP_SRC(element_of(pipeline_.get(), kElementIn).release())) {
  g_object_set(in_.get(), "is-live", TRUE, "format", GST_FORMAT_TIME, "block", FALSE, "max-buffers", guint64{0},
               "max-bytes", guint64{0}, nullptr);
  apply(open.parameters);
  // Frames wait in front of the element: what is set for one of them is not for those before.
  const streaming::ObjectPtr<GstPad> pad(gst_element_get_static_pad(edit_.get(), "sink"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_frame, this, nullptr);

  const auto sink = element_of(pipeline_.get(), kElementOut);
  const CapsPtr raw(gst_caps_from_string("video/x-raw,format=RGBx"));
  g_object_set(sink.get(), "sync", FALSE, "caps", raw.get(), nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_sample;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);

  const streaming::ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), on_bus, this, nullptr);
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
    const std::lock_guard lock(mutex_);
    throw Error(ErrorKind::kSettings, error_.empty() ? "The pipeline " + name_ + " could not be started." : error_);
  }
}

SessionPipeline::~SessionPipeline() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  const streaming::ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

void SessionPipeline::set(const Parameters& parameters) {
  for (const auto& [name, value] : parameters) next_[name] = value;
}

GstPadProbeReturn SessionPipeline::on_frame(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto* pipeline = static_cast<SessionPipeline*>(self);
  const GstClockTime pts = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
  while (true) {
    Change change;
    {
      const std::lock_guard lock(pipeline->mutex_);
      if (pipeline->changes_.empty() || pipeline->changes_.front().pts > pts) return GST_PAD_PROBE_OK;
      change = std::move(pipeline->changes_.front());
      pipeline->changes_.pop_front();
    }
    pipeline->apply(change.parameters);
  }
}

void SessionPipeline::apply(const Parameters& parameters) {
  const std::string problem = set_live_properties(edit_.get(), parameters);
  if (!problem.empty()) tell(MessageKind::kNote, problem);
}

std::string SessionPipeline::facts() const {
  return structure_property(edit_.get(), "stats");
}

// The running time, and never twice the same: it is what an edited frame is recognised by.
GstClockTime SessionPipeline::next_pts() {
  GstClockTime now = 0;
  const streaming::ObjectPtr<GstClock> clock(gst_element_get_clock(pipeline_.get()));
  const GstClockTime base = gst_element_get_base_time(pipeline_.get());
  if (clock && base != GST_CLOCK_TIME_NONE) {
    const GstClockTime time = gst_clock_get_time(clock.get());
    now = time > base ? time - base : 0;
  }
  last_pts_ = last_pts_ == GST_CLOCK_TIME_NONE ? now : std::max(now, last_pts_ + GST_MSECOND);
  return last_pts_;
}

void SessionPipeline::push(const Message& frame) {
  const Pending pending{next_pts(), frame.frame, frame.slot};
  if (!memory_->fits(frame.slot, frame.width, frame.height)) {
    answer(pending, MessageKind::kLost);
    return;
  }
  if (frame.width != width_ || frame.height != height_) {
    width_ = frame.width;
    height_ = frame.height;
    gst_app_src_set_caps(in_.get(), picture_caps(width_, height_).get());
  }
  const size_t bytes = static_cast<size_t>(width_) * height_ * kPixelBytes;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes, nullptr);
  gst_buffer_fill(buffer, 0, memory_->in(frame.slot), bytes);
  GST_BUFFER_PTS(buffer) = pending.pts;
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back(pending);
    if (!next_.empty()) changes_.push_back({pending.pts, std::exchange(next_, {})});
  }
  gst_app_src_push_buffer(in_.get(), buffer);
}

GstFlowReturn SessionPipeline::on_sample(GstAppSink* sink, gpointer self) {
  const SamplePtr sample(gst_app_sink_pull_sample(sink));
  if (sample) static_cast<SessionPipeline*>(self)->deliver(sample.get());
  return GST_FLOW_OK;
}

void SessionPipeline::deliver(GstSample* sample) {
  const GstClockTime pts = GST_BUFFER_PTS(gst_sample_get_buffer(sample));
  std::deque<Pending> lost;
  Pending frame{};
  bool found = false;
  {
    const std::lock_guard lock(mutex_);
    while (!pending_.empty() && pending_.front().pts < pts) {
      lost.push_back(pending_.front());
      pending_.pop_front();
    }
    if (!pending_.empty() && pending_.front().pts == pts) {
      frame = pending_.front();
      pending_.pop_front();
      found = true;
    }
  }
  for (const Pending& gone : lost) answer(gone, MessageKind::kLost);
  if (!found) return;
  Message picture;
  if (write(sample, frame, &picture)) {
    say_(std::move(picture));
  } else {
    answer(frame, MessageKind::kLost);
  }
}

bool SessionPipeline::write(GstSample* sample, const Pending& frame, Message* picture) {
  GstVideoInfo info;
  GstVideoFrame mapped;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample))) return false;
  const auto width = static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&info)),
             height = static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&info));
  if (!memory_->fits(frame.slot, width, height)) return false;
  if (!gst_video_frame_map(&mapped, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) return false;
  const auto* from = static_cast<const uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, 0));
  uint8_t* to = memory_->out(frame.slot);
  for (uint32_t row = 0; row < height; ++row) {
    memcpy(to, from, static_cast<size_t>(width) * kPixelBytes);
    from += GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, 0);
    to += static_cast<size_t>(width) * kPixelBytes;
  }
  gst_video_frame_unmap(&mapped);
  picture->kind = MessageKind::kPicture;
  picture->session = session_;
  picture->frame = frame.frame;
  picture->slot = frame.slot;
  picture->width = width;
  picture->height = height;
  return true;
}

void SessionPipeline::answer(const Pending& frame, MessageKind kind) {
  Message message;
  message.kind = kind;
  message.session = session_;
  message.frame = frame.frame;
  message.slot = frame.slot;
  say_(std::move(message));
}

void SessionPipeline::tell(MessageKind kind, std::string text) {
  Message message;
  message.kind = kind;
  message.session = session_;
  message.text = std::move(text);
  say_(std::move(message));
}

GstBusSyncReply SessionPipeline::on_bus(GstBus*, GstMessage* message, gpointer self) {
  auto* pipeline = static_cast<SessionPipeline*>(self);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    pipeline->on_error(message);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
    pipeline->tell(MessageKind::kNote, text_of(message, gst_message_parse_warning));
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_PROGRESS) {
    pipeline->on_progress(message);
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

// The first is the cause; those after it are consequences.
void SessionPipeline::on_error(GstMessage* message) {
  const std::string text = text_of(message, gst_message_parse_error);
  {
    const std::lock_guard lock(mutex_);
    if (!error_.empty()) return;
    error_ = text.empty() ? "The pipeline " + name_ + " failed." : text;
  }
  tell(MessageKind::kFailed, text);
}

void SessionPipeline::on_progress(GstMessage* message) {
  GstProgressType type;
  gchar *code = nullptr, *text = nullptr;
  gst_message_parse_progress(message, &type, &code, &text);
  const std::string said = text;
  g_free(code);
  g_free(text);
  bool loaded = false;
  {
    const std::lock_guard lock(mutex_);
    if (type == GST_PROGRESS_TYPE_START) ++loading_;
    if (type == GST_PROGRESS_TYPE_COMPLETE) loaded = --loading_ == 0;
  }
  if (loaded) {
    tell(MessageKind::kLoaded, "");
  } else if (type == GST_PROGRESS_TYPE_START || type == GST_PROGRESS_TYPE_CONTINUE) {
    tell(MessageKind::kLoading, said);
  }
}

}  // namespace liveedit::server
