// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/speech.h"

#include <atomic>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::CapsPtr;
using streaming::ObjectPtr;
using streaming::SamplePtr;

constexpr const char* kElementSound = "sound";
constexpr GstClockTime kLook = 50 * GST_MSECOND;
constexpr uint64_t kBytesPerSecond = 16000 * sizeof(float);  // at the sink of "speech"

struct Intake {
  uint64_t heard = 0, most = 0;  // bytes
  std::atomic<bool> too_long = false;
};

// Ends the stream where the sound is longer than it may be.
GstPadProbeReturn count_sound(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* intake = static_cast<Intake*>(data);
  intake->heard += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
  if (intake->heard <= intake->most) return GST_PAD_PROBE_OK;
  intake->too_long = true;
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_HANDLED;
}

void give(GstElement* pipeline, const std::string& file) {
  const auto source = element_of(pipeline, kElementIn);
  GstBuffer* buffer = gst_buffer_new_memdup(file.data(), file.size());
  g_object_set(source.get(), "format", GST_FORMAT_BYTES, "block", FALSE, "max-bytes", guint64{0}, "size",
               static_cast<gint64>(file.size()), nullptr);
  gst_app_src_push_buffer(GST_APP_SRC(source.get()), buffer);
  gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
}

std::string text_of_sample(GstSample* sample) {
  GstMapInfo map;
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return {};
  std::string text(reinterpret_cast<const char*>(map.data), map.size);
  gst_buffer_unmap(buffer, &map);
  return text;
}

// What the recogniser does not do; the language is the one thing that a client asks of it.
class WrongSetting : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws the first error that was posted, as the fault of the file or of the recogniser.
void throw_error(GstElement* pipeline) {
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline));
  GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
  if (!message) return;
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string why = error->message;
  const bool ours = g_str_equal(GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), kElementSpeech);
  const bool asked = g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_error_free(error);
  gst_message_unref(message);
  if (ours && asked) throw WrongSetting(why);
  if (ours) throw std::runtime_error(why);
  throw BadRecording("The recording cannot be decoded: " + why);
}

// All that comes until the end of the stream, or until something is wrong.
std::string collect(GstElement* pipeline, const Intake& intake) {
  const ObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline), kElementOut));
  std::string text;
  while (!gst_app_sink_is_eos(GST_APP_SINK(sink.get())) && !intake.too_long) {
    throw_error(pipeline);
    const SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink.get()), kLook));
    const std::string more = sample ? text_of_sample(sample.get()) : "";
    if (!text.empty() && !more.empty()) text += " ";
    text += more;
  }
  throw_error(pipeline);
  return text;
}

}  // namespace

std::string_view decoder_of(std::string_view file) {
  using namespace std::string_view_literals;  // NOLINT: these texts have zeros in them
  if (file.size() < 12) return {};
  if (file.starts_with("RIFF"sv) && file.substr(8, 4) == "WAVE"sv) return "wavparse";
  if (file.starts_with("\x1a\x45\xdf\xa3"sv)) return "matroskademux ! opusdec";
  if (file.starts_with("OggS"sv)) return "oggdemux ! opusdec";
  if (file.starts_with("fLaC"sv)) return "flacparse ! flacdec";
  if (file.substr(4, 4) == "ftyp"sv) return "qtdemux ! aacparse ! avdec_aac";
  return {};
}

Speech::Speech(std::string text, FixedSettings fixed, SpeechLimits limits)
    : text_(std::move(text)), fixed_(std::move(fixed)), limits_(limits) {
  const auto pipeline = parse_pipeline(kSpeechTemplate, text_, fixed_);
  for (const char* name : {kElementSound, kElementSpeech, kElementOut})
    require_element(pipeline.get(), kSpeechTemplate, name, nullptr);
}

Speech::~Speech() {
  if (last_) gst_element_set_state(last_.get(), GST_STATE_NULL);
}

std::string Speech::text_of(const std::string& file, const std::string& language) {
  if (file.size() > limits_.bytes)
    throw BadRecording("A recording has " + std::to_string(limits_.bytes) + " bytes at most.");
  const std::string_view decoder = decoder_of(file);
  if (decoder.empty()) throw BadRecording("This is not a recording in WAV, WebM, Ogg, FLAC or MP4.");
  auto pipeline =
      parse_pipeline(kSpeechTemplate, "appsrc name=in ! " + std::string(decoder) + " ! sound.\n" + text_, fixed_);
  if (!language.empty())
    g_object_set(element_of(pipeline.get(), kElementSpeech).get(), "language", language.c_str(), nullptr);
  give(pipeline.get(), file);
  try {
    std::string text = run(pipeline.get());
    if (last_) gst_element_set_state(last_.get(), GST_STATE_NULL);
    last_ = std::move(pipeline);
    return text;
  } catch (const WrongSetting& wrong) {
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    if (language.empty()) throw;
    throw BadRecording(wrong.what());
  } catch (...) {
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    throw;
  }
}

std::string Speech::run(GstElement* pipeline) {
  const auto speech = element_of(pipeline, kElementSpeech);
  const ObjectPtr<GstPad> pad(gst_element_get_static_pad(speech.get(), "sink"));
  Intake intake{0, static_cast<uint64_t>(limits_.seconds) * kBytesPerSecond};
  const gulong probe = gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, count_sound, &intake, nullptr);
  g_object_set(element_of(pipeline, kElementOut).get(), "sync", FALSE, nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::string text;
  try {
    text = collect(pipeline, intake);
  } catch (...) {
    gst_element_set_state(pipeline, GST_STATE_NULL);  // nothing counts any more
    throw;
  }
  gst_pad_remove_probe(pad.get(), probe);
  if (intake.too_long)
    throw BadRecording("A recording is " + std::to_string(limits_.seconds) + " seconds long at most.");
  if (intake.heard == 0) throw BadRecording("There is no sound in the recording.");
  return text;
}

}  // namespace liveedit::server
