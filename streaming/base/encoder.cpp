// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/encoder.h"

#include <string>

#include "streaming/base/error.h"

namespace liveedit::streaming {
namespace {

bool available(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

GstElement* parse_bin(const std::string& description) {
  GError* problem = nullptr;
  GstElement* bin =
      gst_parse_bin_from_description_full(description.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &problem);
  if (problem) {
    const std::string text = problem->message;
    g_error_free(problem);
    if (bin) gst_object_unref(gst_object_ref_sink(bin));
    throw Error(ErrorKind::kUnavailable, "An encoder could not be made: " + text + ".");
  }
  return bin;
}

// H.264 in 4:2:0 wants even sizes; an odd picture is scaled by its one line.
constexpr char kEvenPicture[] =
    "videoconvert n-threads=1 ! videoscale add-borders=false ! "
    "video/x-raw,format=I420,width=[2,16384,2],height=[2,16384,2] ! ";
constexpr char kPlainStream[] =
    " ! video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! "
    "capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au";

}  // namespace

GstElement* make_h264_encoder(const H264Settings& settings) {
  const std::string bitrate = std::to_string(settings.bitrate), interval = std::to_string(settings.key_frame_frames);
  if (available("x264enc")) {
    return parse_bin(std::string(kEvenPicture) +
                     "x264enc name=encoder tune=zerolatency speed-preset=ultrafast bframes=0 threads=1 bitrate=" +
                     bitrate + " key-int-max=" + interval + kPlainStream);
  }
  if (available("openh264enc")) {
    return parse_bin(std::string(kEvenPicture) +
                     "openh264enc name=encoder complexity=low rate-control=bitrate bitrate=" + bitrate +
                     "000 gop-size=" + interval + kPlainStream);
  }
  throw Error(ErrorKind::kUnavailable,
              "No H.264 encoder was found: install gstreamer1.0-plugins-ugly (x264enc) or gstreamer1.0-plugins-bad "
              "(openh264enc).");
}

void set_h264_bitrate(GstElement* encoder_bin, guint bitrate) {
  GstElement* encoder = gst_bin_get_by_name(GST_BIN(encoder_bin), "encoder");
  if (!encoder) return;
  const bool in_bits = std::string(GST_OBJECT_NAME(gst_element_get_factory(encoder))) == "openh264enc";
  g_object_set(encoder, "bitrate", in_bits ? bitrate * 1000 : bitrate, nullptr);
  gst_object_unref(encoder);
}

GstElement* make_opus_encoder() {
  if (!available("opusenc"))
    throw Error(ErrorKind::kUnavailable, "opusenc was not found: install gstreamer1.0-plugins-base.");
  return parse_bin("audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=[1,2] ! opusenc frame-size=20");
}

GstElement* make_aac_encoder() {
  const char* encoder = available("avenc_aac") ? "avenc_aac" : available("voaacenc") ? "voaacenc" : nullptr;
  if (!encoder)
    throw Error(
        ErrorKind::kUnavailable,
        "No AAC encoder was found: install gstreamer1.0-libav (avenc_aac) or gstreamer1.0-plugins-bad (voaacenc).");
  return parse_bin(std::string("audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=[1,2] ! ") + encoder +
                   " bitrate=128000 ! aacparse");
}

}  // namespace liveedit::streaming
