// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/background_picture.h"

#include <array>
#include <cstring>
#include <fstream>

#include <gst/video/video.h>

#include "elements/base/gst_pointers.h"

namespace liveedit::elements {
namespace {

constexpr GstClockTime kPatience = 15 * GST_SECOND;

struct SampleUnref {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

// decodebin leaves jpegparse out, which is who reads how a camera was held.
const char* decoders(const std::string& path) {
  std::array<char, 2> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  const bool is_jpeg = start[0] == '\xff' && start[1] == '\xd8';
  if (is_jpeg && gst_registry_check_feature_version(gst_registry_get(), "jpegparse", 1, 0, 0)) {
    return "jpegparse ! jpegdec";
  }
  return "decodebin";
}

// A pipeline that stops when it goes.
class Decoder {
 public:
  explicit Decoder(const std::string& path) {
    const std::string line = std::string("filesrc name=file ! ") + decoders(path) +
                             " ! videoconvert ! videoflip video-direction=auto ! video/x-raw,format=RGB,"
                             "pixel-aspect-ratio=1/1,width=[1,16384],height=[1,16384] ! fakesink name=picture";
    pipeline_ = gst_parse_launch(line.c_str(), nullptr);
    if (!pipeline_) return;
    if (ObjectPtr file{gst_bin_get_by_name(GST_BIN(pipeline_), "file")}) {
      g_object_set(file.get(), "location", path.c_str(), nullptr);
    }
  }
  ~Decoder() {
    if (!pipeline_) return;
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // nullptr: `why` says what the decoders said.
  SamplePtr first_picture(std::string* why) {
    if (!pipeline_) {
      *why = "GStreamer's elements filesrc, decodebin, videoconvert and videoflip are needed";
      return nullptr;
    }
    gst_element_set_state(pipeline_, GST_STATE_PAUSED);
    if (gst_element_get_state(pipeline_, nullptr, nullptr, kPatience) != GST_STATE_CHANGE_SUCCESS) {
      *why = complaint();
      return nullptr;
    }
    const ObjectPtr sink{gst_bin_get_by_name(GST_BIN(pipeline_), "picture")};
    GstSample* sample = nullptr;
    g_object_get(sink.get(), "last-sample", &sample, nullptr);
    if (!sample) *why = "it holds no picture";
    return SamplePtr(sample);
  }

 private:
  using ObjectPtr = std::unique_ptr<GstElement, ObjectUnref>;

  std::string complaint() {
    const std::unique_ptr<GstBus, ObjectUnref> bus{gst_element_get_bus(pipeline_)};
    GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
    if (!message) return "no picture came out of it in time";
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    std::string text = error->message;
    g_error_free(error);
    gst_message_unref(message);
    return text;
  }

  GstElement* pipeline_ = nullptr;
};

Error not_a_picture(const std::string& path, const std::string& why) {
  return {ErrorKind::kBadModel, "background-image \"" + path + "\" cannot be shown: " + why +
                                    ". Name a picture that GStreamer can decode, such as a JPEG or PNG file."};
}

}  // namespace

std::shared_ptr<const BackgroundPicture> load_background(const std::string& path) {
  // A pipe or a folder would keep filesrc waiting.
  if (!g_file_test(path.c_str(), G_FILE_TEST_IS_REGULAR)) {
    throw Error(ErrorKind::kNotFound,
                "background-image \"" + path + "\" is not a file. Name a picture file, or leave it empty for none.");
  }
  std::string why;
  Decoder decoder(path);
  const SamplePtr sample = decoder.first_picture(&why);
  if (!sample) throw not_a_picture(path, why);
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample.get())) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample.get()), GST_MAP_READ)) {
    throw not_a_picture(path, "its picture cannot be read");
  }
  auto picture = std::make_shared<BackgroundPicture>();
  picture->width = GST_VIDEO_INFO_WIDTH(&info);
  picture->height = GST_VIDEO_INFO_HEIGHT(&info);
  const std::size_t row = std::size_t{3} * picture->width;
  picture->rgb.resize(row * picture->height);
  for (int y = 0; y < picture->height; ++y) {
    const auto* from = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                       std::ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
    std::memcpy(picture->rgb.data() + y * row, from, row);
  }
  gst_video_frame_unmap(&frame);
  return picture;
}

}  // namespace liveedit::elements
