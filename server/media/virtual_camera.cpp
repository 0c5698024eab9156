// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/virtual_camera.h"

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;
using streaming::ObjectPtr;

constexpr int kFps = 30;

std::string failure_of(GstElement* pipeline) {
  const ObjectPtr<GstBus> bus(gst_element_get_bus(pipeline));
  GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
  if (!message) return "it could not be started";
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  gst_message_unref(message);
  return text;
}

}  // namespace

VirtualCamera::VirtualCamera(const std::string& device, PictureSize size, const std::string& sink) {
  const std::string line = std::string(streaming::kFeedVideoSource) +
                           " ! videoconvert n-threads=1 ! videoscale add-borders=true n-threads=1 ! videorate "
                           "skip-to-first=true ! video/x-raw,format=YUY2,pixel-aspect-ratio=1/1,width=" +
                           std::to_string(size.width) + ",height=" + std::to_string(size.height) +
                           ",framerate=" + std::to_string(kFps) + "/1 ! " + sink;
  GError* error = nullptr;
  GstElement* made = gst_parse_launch(line.c_str(), &error);
  if (error) {
    const std::string said = error->message;
    g_error_free(error);
    if (made) gst_object_unref(gst_object_ref_sink(made));
    throw Error(ErrorKind::kUnavailable, "The virtual camera cannot be made: " + said + ".");
  }
  pipeline_.reset(GST_ELEMENT(gst_object_ref_sink(made)));
  const ObjectPtr<GstElement> output(gst_bin_get_by_name(GST_BIN(made), "sink"));
  if (output && !device.empty()) g_object_set(output.get(), "device", device.c_str(), nullptr);
  const ObjectPtr<GstElement> source(gst_bin_get_by_name(GST_BIN(made), "video_source"));
  feed_ = std::make_unique<streaming::PipelineFeed>(source.get(), nullptr);
  if (gst_element_set_state(made, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    const std::string why = failure_of(made);
    gst_element_set_state(made, GST_STATE_NULL);
    throw Error(ErrorKind::kNotFound, "The virtual camera " + device + " cannot be used: " + why);
  }
}

VirtualCamera::~VirtualCamera() {
  stop();
}

void VirtualCamera::push(GstSample* picture) {
  feed_->push(streaming::InputKind::kVideo, picture, GST_CLOCK_TIME_NONE);
}

void VirtualCamera::stop() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

}  // namespace liveedit::server
