// SPDX-License-Identifier: LGPL-2.1-or-later
// How long it takes from the last sample of a spoken sentence to the first frame with the look that it names: a
// recording that comes at its own pace in place of a microphone, a still picture in place of a camera. Prints one JSON
// line.
//
//   speech_to_picture VOICE.wav [SIZE [RATE [PROPERTIES OF WHISPERPROMPT ...]]]      SIZE: 256 pixels, RATE: 25 frames
//   a second
//
// The voice is a wave file that begins with at least a second of silence and ends in as much.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

namespace {

constexpr float kSpoken = 0.02F;       // louder samples are speech
constexpr double kOtherPicture = 8.0;  // mean difference of bytes, 0..255: another look, not the old one once more

struct Observer {
  std::mutex mutex;
  gint64 last_speech = 0;  // g_get_monotonic_time() when the last sample of speech came in
  gint64 text = 0;         // when the text left
  gint64 picture = 0;      // when the first frame with another look left
  std::string said;
  std::vector<guint8> first;
};

GstPadProbeReturn on_sound(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const observer = static_cast<Observer*>(data);
  GstMapInfo map;
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  const auto* samples = reinterpret_cast<const float*>(map.data);
  const auto count = static_cast<gint64>(map.size / sizeof(float));
  gint64 last = -1;
  for (gint64 i = 0; i < count; ++i) last = std::abs(samples[i]) > kSpoken ? i : last;
  // A buffer comes when its last sample would have been recorded.
  if (last >= 0) {
    const std::lock_guard lock(observer->mutex);
    observer->last_speech = g_get_monotonic_time() - (count - last) * G_TIME_SPAN_SECOND / 16000;
  }
  gst_buffer_unmap(buffer, &map);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_text(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const observer = static_cast<Observer*>(data);
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const std::lock_guard lock(observer->mutex);
  observer->text = g_get_monotonic_time();
  observer->said.resize(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, observer->said.data(), observer->said.size());
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_picture(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const observer = static_cast<Observer*>(data);
  GstMapInfo map;
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  const std::lock_guard lock(observer->mutex);
  if (observer->first.empty()) observer->first.assign(map.data, map.data + map.size);
  double sum = 0;
  for (gsize i = 0; i < map.size; ++i) sum += std::abs(map.data[i] - observer->first[i]);
  if (observer->picture == 0 && sum / static_cast<double>(map.size) > kOtherPicture)
    observer->picture = g_get_monotonic_time();
  gst_buffer_unmap(buffer, &map);
  return GST_PAD_PROBE_OK;
}

void watch(GstElement* pipeline, const char* name, const char* pad_name, GstPadProbeCallback callback,
           Observer* observer) {
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  GstPad* pad = gst_element_get_static_pad(element, pad_name);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, callback, observer, nullptr);
  gst_object_unref(pad);
  gst_object_unref(element);
}

// Until the sound has ended; false after an error, which is printed.
bool play(GstElement* pipeline) {
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND,
                                                   static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  const bool ended = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  if (message && !ended) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
  }
  if (message) gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  return ended;
}

double seconds_of(const std::string& voice) {
  GstElement* pipeline =
      gst_parse_launch(("filesrc location=\"" + voice + "\" ! wavparse ! fakesink name=end").c_str(), nullptr);
  gst_element_set_state(pipeline, GST_STATE_PAUSED);
  gst_element_get_state(pipeline, nullptr, nullptr, 10 * GST_SECOND);
  gint64 length = 0;
  gst_element_query_duration(pipeline, GST_FORMAT_TIME, &length);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return static_cast<double>(length) / GST_SECOND;
}

std::string pipeline_text(const std::string& voice, const std::string& size, int rate, const std::string& properties) {
  const std::string frames = std::to_string(static_cast<int>(std::ceil(seconds_of(voice) * rate)));
  return "filesrc location=\"" + voice +
         "\" ! wavparse ! audioconvert ! audioresample ! "
         "audio/x-raw,format=F32LE,rate=16000,channels=1 ! audiobuffersplit output-buffer-duration=1/50 ! identity "
         "sync=true "
         "name=microphone ! whisperprompt name=speech " +
         properties +
         " ! look.text_sink "
         "videotestsrc is-live=true pattern=smpte75 num-buffers=" +
         frames + " ! video/x-raw,format=RGB,width=" + size + ",height=" + size + ",framerate=" + std::to_string(rate) +
         "/1 ! identity name=camera ! queue leaky=downstream max-size-buffers=1 ! diffusionfilter name=look "
         "prompt=\"watercolor painting\" ! fakesink name=screen sync=false";
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: speech_to_picture VOICE.wav [SIZE [RATE [PROPERTIES ...]]]\n");
    return 2;
  }
  const std::string size = argc > 2 ? argv[2] : "256";
  const int rate = argc > 3 ? std::atoi(argv[3]) : 25;
  std::string properties;
  for (int i = 4; i < argc; ++i) properties += std::string(argv[i]) + " ";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(pipeline_text(argv[1], size, rate, properties).c_str(), &error);
  if (!pipeline || error) {
    std::fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  Observer observer;
  watch(pipeline, "microphone", "src", on_sound, &observer);
  watch(pipeline, "speech", "src", on_text, &observer);
  watch(pipeline, "look", "src", on_picture, &observer);
  const bool played = play(pipeline);
  gst_object_unref(pipeline);
  if (!played || observer.text == 0 || observer.picture == 0) {
    std::fprintf(stderr, "No %s came of it.\n", !played || observer.text == 0 ? "text" : "other picture");
    return 1;
  }
  std::printf("{\"said\": \"%s\", \"size\": %s, \"speech_to_text_ms\": %.0f, \"speech_to_picture_ms\": %.0f}\n",
              observer.said.c_str(), size.c_str(), static_cast<double>(observer.text - observer.last_speech) / 1000,
              static_cast<double>(observer.picture - observer.last_speech) / 1000);
  return 0;
}
