// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/recorder.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "streaming/base/encoder.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

namespace fs = std::filesystem;
using streaming::Error;
using streaming::ErrorKind;
using streaming::InputKind;
using streaming::ObjectPtr;

constexpr GstClockTime kEndTime = 10 * GST_SECOND;
constexpr guint kFragmentMs = 1000;

// USER-20260131-235959.mp4, with a number where that is taken.
std::string free_name(const fs::path& folder, const std::string& user) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char time[32];
  std::strftime(time, sizeof time, "-%Y%m%d-%H%M%S", &local);
  std::string name = user + time + ".mp4";
  for (int i = 2; fs::exists(folder / name); ++i) name = user + time + "-" + std::to_string(i) + ".mp4";
  return name;
}

std::string checked_name(const std::string& folder, const std::string& user) {
  if (folder.empty()) throw Error(ErrorKind::kSettings, "Nothing is recorded here: media.recordings names no folder.");
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(ErrorKind::kNotFound, "The folder for recordings, " + folder + ", cannot be written to.");
  return free_name(folder, user);
}

GstElement* add(GstElement* pipeline, GstElement* element) {
  if (!element) throw Error(ErrorKind::kUnavailable, "An element for MP4 files is missing: gstreamer1.0-plugins-good.");
  gst_bin_add(GST_BIN(pipeline), element);
  return element;
}

GstElement* add_bin(GstElement* pipeline, const std::string& line) {
  GError* error = nullptr;
  GstElement* bin = gst_parse_bin_from_description(line.c_str(), TRUE, &error);
  if (error) {
    const std::string said = error->message;
    g_error_free(error);
    if (bin) gst_object_unref(gst_object_ref_sink(bin));
    throw Error(ErrorKind::kUnavailable, "An element for recording is missing: " + said + ".");
  }
  return add(pipeline, bin);
}

}  // namespace

Recorder::Recorder(const std::string& folder, const std::string& user, bool sound)
    : name_(checked_name(folder, user)),
      pipeline_(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr)))),
      sound_(sound) {
  GstElement* mux = add(pipeline_.get(), gst_element_factory_make("mp4mux", nullptr));
  g_object_set(mux, "fragment-duration", kFragmentMs, nullptr);
  gst_util_set_object_arg(G_OBJECT(mux), "fragment-mode", "first-moov-then-finalise");
  GstElement* file = add(pipeline_.get(), gst_element_factory_make("filesink", nullptr));
  g_object_set(file, "location", (fs::path(folder) / name_).c_str(), nullptr);
  gst_element_link(mux, file);

  GstElement* video = add_bin(pipeline_.get(), std::string(streaming::kFeedVideoSource) +
                                                   " ! videoscale add-borders=true n-threads=1 ! capsfilter name=size");
  GstElement* h264 = add(pipeline_.get(), streaming::make_h264_encoder({4000, 60}));
  GstElement* parse = add(pipeline_.get(), gst_element_factory_make("h264parse", nullptr));
  if (!gst_element_link_many(video, h264, parse, mux, nullptr))
    throw Error(ErrorKind::kUnavailable, "The recording's pipeline cannot be linked.");
  if (sound_) {
    GstElement* audio =
        add_bin(pipeline_.get(),
                "audiotestsrc wave=silence is-live=true ! audio/x-raw,rate=48000,channels=2 ! audiomixer "
                "name=mix latency=200000000 ! queue max-size-time=5000000000 " +
                    std::string(streaming::kFeedAudioSource) + " ! audioconvert ! audioresample ! mix.");
    GstElement* aac = add(pipeline_.get(), streaming::make_aac_encoder());
    if (!gst_element_link_many(audio, aac, mux, nullptr))
      throw Error(ErrorKind::kUnavailable, "The recording's pipeline cannot be linked.");
  }
  const ObjectPtr<GstElement> pictures(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "video_source"));
  const ObjectPtr<GstElement> sounds(sound_ ? gst_bin_get_by_name(GST_BIN(pipeline_.get()), "audio_source") : nullptr);
  feed_ = std::make_unique<streaming::PipelineFeed>(pictures.get(), sounds.get());
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    throw Error(ErrorKind::kUnavailable, "The recording could not be started.");
  }
}

Recorder::~Recorder() {
  stop();
}

void Recorder::push(InputKind kind, GstSample* sample) {
  if (kind == InputKind::kAudio && !sound_) return;
  if (kind == InputKind::kVideo) keep_size(gst_sample_get_caps(sample));
  feed_->push(kind, sample, GST_CLOCK_TIME_NONE);
}

// A track has one size: later pictures of another are fitted into that of the first.
void Recorder::keep_size(const GstCaps* caps) {
  if (sized_.exchange(true)) return;
  gint width = 0, height = 0;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "width", &width);
  gst_structure_get_int(structure, "height", &height);
  const ObjectPtr<GstElement> filter(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "size"));
  const streaming::CapsPtr size(gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, width, "height", G_TYPE_INT,
                                                    height, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
  g_object_set(filter.get(), "caps", size.get(), nullptr);
}

std::string Recorder::problem() {
  const std::lock_guard lock(mutex_);
  if (!problem_.empty()) return problem_;
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
  if (!message) return {};
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  problem_ = error->message;
  g_error_free(error);
  gst_message_unref(message);
  return problem_;
}

void Recorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  gst_element_send_event(pipeline_.get(), gst_event_new_eos());
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  GstMessage* last =
      gst_bus_timed_pop_filtered(bus.get(), kEndTime, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  if (last) gst_message_unref(last);
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

}  // namespace liveedit::server
