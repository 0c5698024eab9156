// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/listen_pipeline.h"

#include "server/link/shared_file.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::CapsPtr;
using streaming::Error;
using streaming::ErrorKind;
using streaming::SamplePtr;

streaming::ObjectPtr<GstElement> make(const std::string& text, const FixedSettings& fixed) {
  if (text.empty()) throw Error(ErrorKind::kNotFound, "Nobody listens here: there is no pipeline listen.launch.");
  auto pipeline = parse_pipeline(kListenTemplate, text, fixed);
  require_element(pipeline.get(), kListenTemplate, kElementIn, "appsrc");
  require_element(pipeline.get(), kListenTemplate, kElementOut, "appsink");
  return pipeline;
}

}  // namespace

ListenPipeline::ListenPipeline(const std::string& text, const FixedSettings& fixed, uint32_t listener, Say say)
    : listener_(listener),
      say_(std::move(say)),
      pipeline_(make(text, fixed)),
      in_(GST_APP_SRC(element_of(pipeline_.get(), kElementIn).release())) {
  const CapsPtr caps(gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S16LE", "rate", G_TYPE_INT,
                                         kListenRate, "channels", G_TYPE_INT, 1, "layout", G_TYPE_STRING, "interleaved",
                                         nullptr));
  // Live: what speaks does not wait for who listens.
  g_object_set(in_.get(), "caps", caps.get(), "is-live", TRUE, "format", GST_FORMAT_TIME, "block", FALSE, "max-bytes",
               kWaitingBytes, "leaky-type", GST_APP_LEAKY_TYPE_DOWNSTREAM, nullptr);
  const auto sink = element_of(pipeline_.get(), kElementOut);
  g_object_set(sink.get(), "sync", FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_sample;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
  const streaming::ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), on_bus, this, nullptr);
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE) return;
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  const std::lock_guard lock(mutex_);
  throw Error(ErrorKind::kSettings, error_.empty() ? "The pipeline listen could not be started." : error_);
}

ListenPipeline::~ListenPipeline() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  const streaming::ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

void ListenPipeline::push(const Message& sound) {
  std::string bytes = read_shared_file(sound.fd, kListenBytes);
  const guint64 samples = bytes.size() / sizeof(gint16);
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), samples * sizeof(gint16));
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(samples_, GST_SECOND, kListenRate);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(samples, GST_SECOND, kListenRate);
  samples_ += samples;
  gst_app_src_push_buffer(in_.get(), buffer);
  tell(MessageKind::kTaken, "");
}

GstFlowReturn ListenPipeline::on_sample(GstAppSink* sink, gpointer self) {
  const SamplePtr sample(gst_app_sink_pull_sample(sink));
  GstMapInfo map;
  GstBuffer* buffer = sample ? gst_sample_get_buffer(sample.get()) : nullptr;
  if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_OK;
  std::string text(reinterpret_cast<const char*>(map.data), map.size);
  gst_buffer_unmap(buffer, &map);
  if (!text.empty()) static_cast<ListenPipeline*>(self)->tell(MessageKind::kHeard, std::move(text));
  return GST_FLOW_OK;
}

GstBusSyncReply ListenPipeline::on_bus(GstBus*, GstMessage* message, gpointer self) {
  auto* pipeline = static_cast<ListenPipeline*>(self);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    pipeline->on_error(message);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_message_has_name(message, "command")) {
    const char* command = gst_structure_get_string(gst_message_get_structure(message), "command");
    if (command) pipeline->tell(MessageKind::kHeard, command, {{"command", true}});
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

// The first is the cause; those after it are consequences.
void ListenPipeline::on_error(GstMessage* message) {
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  {
    const std::lock_guard lock(mutex_);
    if (!error_.empty()) return;
    error_ = text.empty() ? "The pipeline listen failed." : text;
  }
  tell(MessageKind::kFailed, error_);
}

void ListenPipeline::tell(MessageKind kind, std::string text, Parameters parameters) {
  Message message;
  message.kind = kind;
  message.session = listener_;
  message.text = std::move(text);
  message.parameters = std::move(parameters);
  say_(std::move(message));
}

}  // namespace liveedit::server
