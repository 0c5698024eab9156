// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/live_inputs.h"

#include <utility>

#include <gst/app/gstappsink.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {

namespace {

GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_sink", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("audio/x-raw"));

struct Callbacks {
  const LiveInputs::Receive* receive;
  const LiveInputs::End* end;
  InputKind kind;
};

GstFlowReturn on_sample(GstAppSink* sink, gpointer data) {
  const auto* callbacks = static_cast<const Callbacks*>(data);
  const SamplePtr sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_EOS;
  const GstBuffer* buffer = gst_sample_get_buffer(sample.get());
  const GstSegment* segment = gst_sample_get_segment(sample.get());
  if (!buffer || segment->format != GST_FORMAT_TIME) return GST_FLOW_OK;
  const GstClockTime time = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  (*callbacks->receive)(callbacks->kind, sample.get(), time);
  return GST_FLOW_OK;
}

void on_eos(GstAppSink*, gpointer data) {
  const auto* callbacks = static_cast<const Callbacks*>(data);
  (*callbacks->end)(callbacks->kind);
}

}  // namespace

void install_input_templates(GstElementClass* element_class) {
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
}

LiveInputs::LiveInputs(GstBin* bin, Receive receive, End end)
    : bin_(bin), receive_(std::move(receive)), end_(std::move(end)) {
  const ObjectPtr<GstPad> target(gst_element_get_static_pad(add_chain(InputKind::kVideo), "sink"));
  GstPadTemplate* pad_template = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(bin), "sink");
  gst_element_add_pad(GST_ELEMENT(bin), gst_ghost_pad_new_from_template("sink", target.get(), pad_template));
}

GstElement* LiveInputs::add_chain(InputKind kind) {
  const bool video = kind == InputKind::kVideo;
  GstElement* chain = gst_bin_new(video ? "video_input" : "audio_input");
  GstElement* pace = gst_element_factory_make("clocksync", nullptr);
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  // Nothing waits for a first frame here: the chain has no picture of its own to show.
  g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "max-buffers", 1u, nullptr);
  const CapsPtr caps(gst_static_pad_template_get_caps(video ? &video_template : &audio_template));
  gst_app_sink_set_caps(GST_APP_SINK(sink), caps.get());
  GstAppSinkCallbacks callbacks{};
  callbacks.eos = on_eos;
  callbacks.new_sample = on_sample;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, new Callbacks{&receive_, &end_, kind},
                             [](gpointer data) { delete static_cast<Callbacks*>(data); });
  gst_bin_add_many(GST_BIN(chain), pace, sink, nullptr);
  gst_element_link(pace, sink);
  const ObjectPtr<GstPad> target(gst_element_get_static_pad(pace, "sink"));
  gst_element_add_pad(chain, gst_ghost_pad_new("sink", target.get()));
  gst_bin_add(bin_, chain);
  return chain;
}

GstPad* LiveInputs::request_audio_pad(GstPadTemplate* pad_template) {
  GstPad* pad = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (audio_chain_) return nullptr;
    audio_chain_.reset(GST_ELEMENT(gst_object_ref(add_chain(InputKind::kAudio))));
    const ObjectPtr<GstPad> target(gst_element_get_static_pad(audio_chain_.get(), "sink"));
    pad = audio_pad_ = gst_ghost_pad_new_from_template("audio_sink", target.get(), pad_template);
  }
  gst_element_sync_state_with_parent(audio_chain_.get());
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(GST_ELEMENT(bin_), pad);
  return pad;
}

void LiveInputs::release_audio_pad(GstPad* pad) {
  ObjectPtr<GstElement> chain;
  {
    const std::lock_guard lock(mutex_);
    if (pad != audio_pad_) return;
    chain = std::move(audio_chain_);
    audio_pad_ = nullptr;
  }
  gst_pad_set_active(pad, FALSE);
  gst_element_set_locked_state(chain.get(), TRUE);
  gst_element_set_state(chain.get(), GST_STATE_NULL);
  gst_element_remove_pad(GST_ELEMENT(bin_), pad);
  // A bin that is being disposed of has let go of it already.
  if (GST_OBJECT_PARENT(chain.get()) == GST_OBJECT_CAST(bin_)) gst_bin_remove(bin_, chain.get());
}

}  // namespace liveedit::streaming
