// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/live_output.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gst/app/app.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "streaming/webrtc/media_clock.h"

namespace liveedit::streaming {
namespace {

constexpr GstClockTime kStall = GST_SECOND / 2;       // then the picture counts as standing still
constexpr GstClockTime kAudioStall = GST_SECOND / 5;  // more than any jitter buffer holds back
constexpr GstClockTime kAudioStep = 20 * GST_MSECOND;
constexpr GstClockTime kDefaultInterval = GST_SECOND / 10;  // of fill pictures where the caps have no frame rate
constexpr GstClockTime kLeastStep = GST_MSECOND;

// One black pixel, alpha first, as 16-bit values of the format that pictures of this kind are packed from.
std::vector<std::uint16_t> black_pixel(const GstVideoInfo& info, const GstVideoFormatInfo* unpacked) {
  if (!GST_VIDEO_FORMAT_INFO_IS_YUV(unpacked)) return {0xffff, 0, 0, 0};
  const bool full_range = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return {0xffff, static_cast<std::uint16_t>(full_range ? 0 : 0x1000), 0x8000, 0x8000};
}

}  // namespace

BufferPtr black_picture(const GstCaps* caps) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return nullptr;
  BufferPtr buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_WRITE)) return nullptr;
  const GstVideoFormatInfo* format = info.finfo;
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(format->unpack_format);
  const bool deep = GST_VIDEO_FORMAT_INFO_BITS(unpacked) == 16;
  const std::vector<std::uint16_t> pixel = black_pixel(info, unpacked);
  const int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
  std::vector<std::uint16_t> line16;
  std::vector<std::uint8_t> line8;
  for (int x = 0; x < width; ++x) {
    for (const std::uint16_t value : pixel) {
      line16.push_back(value);
      line8.push_back(static_cast<std::uint8_t>(value >> 8));
    }
  }
  void* line = deep ? static_cast<void*>(line16.data()) : line8.data();
  for (int y = 0; y < height; ++y)
    format->pack_func(format, GST_VIDEO_PACK_FLAG_NONE, line, 0, frame.data, info.stride, info.chroma_site, y, width);
  gst_video_frame_unmap(&frame);
  return buffer;
}

BufferPtr silence(const GstCaps* caps, GstClockTime duration) {
  GstAudioInfo info;
  if (!gst_audio_info_from_caps(&info, caps)) return nullptr;
  const gsize frames =
      gst_util_uint64_scale_round(duration, static_cast<guint64>(GST_AUDIO_INFO_RATE(&info)), GST_SECOND);
  BufferPtr buffer(gst_buffer_new_allocate(nullptr, frames * static_cast<gsize>(GST_AUDIO_INFO_BPF(&info)), nullptr));
  GstMapInfo map;
  if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE)) return nullptr;
  gst_audio_format_info_fill_silence(info.finfo, map.data, map.size);
  gst_buffer_unmap(buffer.get(), &map);
  GST_BUFFER_DURATION(buffer.get()) = duration;
  return buffer;
}

LiveOutput::LiveOutput(GstBin* bin, const char* name, GstClockTime latency)
    : bin_(bin), name_(name), latency_(latency), video_(std::strcmp(name, "video") == 0) {}

LiveOutput::~LiveOutput() {
  if (!source_) return;
  gst_element_set_locked_state(source_, TRUE);
  gst_element_set_state(source_, GST_STATE_NULL);
  gst_pad_set_active(pad_, FALSE);
  gst_element_remove_pad(GST_ELEMENT(bin_), pad_);
  gst_bin_remove(bin_, source_);
}

void LiveOutput::open(GstCaps* caps) {
  if (source_) return;
  source_ = gst_element_factory_make("appsrc", name_);
  g_object_set(source_, "format", GST_FORMAT_TIME, "is-live", TRUE, "min-latency", static_cast<gint64>(latency_),
               "leaky-type", GST_APP_LEAKY_TYPE_DOWNSTREAM, "max-bytes", guint64{0}, "max-buffers",
               guint64{video_ ? 4u : 0u}, "max-time", video_ ? guint64{0} : guint64{GST_SECOND}, nullptr);
  gst_bin_add(bin_, source_);
  set_caps(caps);
  const PadPtr target(gst_element_get_static_pad(source_, "src"));
  GstPadTemplate* from = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(bin_), name_);
  pad_ = gst_ghost_pad_new_from_template(name_, target.get(), from);
  gst_pad_set_active(pad_, TRUE);
  // A pipeline may want only one of picture and sound: what nobody has linked is dropped, and no error.
  gst_pad_add_probe(
      target.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer ghost) {
        return gst_pad_is_linked(GST_PAD(ghost)) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
      },
      gst_object_ref(pad_), gst_object_unref);
  gst_element_add_pad(GST_ELEMENT(bin_), pad_);
  gst_element_sync_state_with_parent(source_);
}

void LiveOutput::set_caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps)) return;
  caps_.reset(gst_caps_ref(caps));
  gst_app_src_set_caps(GST_APP_SRC(source_), caps);
  black_.reset();
  last_.reset();
  interval_ = kDefaultInterval;
  GstVideoInfo info;
  if (video_ && gst_video_info_from_caps(&info, caps) && GST_VIDEO_INFO_FPS_N(&info) > 0)
    interval_ = gst_util_uint64_scale_int(GST_SECOND, GST_VIDEO_INFO_FPS_D(&info), GST_VIDEO_INFO_FPS_N(&info));
}

void LiveOutput::send(BufferPtr buffer, GstClockTime running_time) {
  GST_BUFFER_PTS(buffer.get()) = running_time;
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  if (video_) {
    next_ = running_time + kLeastStep;
  } else {
    next_ = running_time + GST_BUFFER_DURATION(buffer.get());
  }
  gst_app_src_push_buffer(GST_APP_SRC(source_), buffer.release());
}

void LiveOutput::push(GstBuffer* buffer, GstCaps* caps) {
  open(caps);
  set_caps(caps);
  last_real_ = media_now();
  GstClockTime running_time = running_time_at(GST_ELEMENT(bin_), GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(running_time)) return;
  BufferPtr out(gst_buffer_copy(buffer));
  if (video_) {
    last_.reset(gst_buffer_ref(buffer));
    return send(std::move(out), std::max(running_time, next_));
  }
  GstAudioInfo info;
  if (!gst_audio_info_from_caps(&info, caps)) return;
  const guint64 frames = gst_buffer_get_size(buffer) / static_cast<gsize>(GST_AUDIO_INFO_BPF(&info));
  const GstClockTime duration =
      gst_util_uint64_scale(frames, GST_SECOND, static_cast<guint64>(GST_AUDIO_INFO_RATE(&info)));
  GST_BUFFER_DURATION(out.get()) = duration;
  if (running_time + duration <= next_) return;  // silence has taken its place
  // Within a step of where the last one ended it goes on from there: clocks compared anew each time differ a little.
  if (running_time < next_ + kAudioStep) running_time = next_;
  send(std::move(out), running_time);
}

void LiveOutput::fill(bool lost, Fallback fallback) {
  if (!source_) return;
  const GstClockTime now = running_time_at(GST_ELEMENT(bin_), media_now());
  if (!GST_CLOCK_TIME_IS_VALID(now)) return;
  if (video_) {
    fill_video(now, lost, fallback);
  } else {
    fill_audio(now);
  }
}

void LiveOutput::fill_video(GstClockTime now, bool lost, Fallback fallback) {
  const bool standing = !GST_CLOCK_TIME_IS_VALID(last_real_) || media_now() > last_real_ + kStall;
  if ((!lost && !standing) || now + kLeastStep < next_ + interval_) return;
  if (!black_) black_ = black_picture(caps_.get());
  const bool black = !last_ || (lost && fallback == Fallback::kBlack);
  GstBuffer* picture = black ? black_.get() : last_.get();
  if (!picture) return;
  ++filled_;
  send(BufferPtr(gst_buffer_copy(picture)), std::max(now, next_));
}

void LiveOutput::fill_audio(GstClockTime now) {
  const bool standing = !GST_CLOCK_TIME_IS_VALID(last_real_) || media_now() > last_real_ + kAudioStall;
  if (!standing) return;
  // After a pause of the pipeline, from now on.
  if (next_ + GST_SECOND < now) next_ = now;
  while (next_ + kAudioStep <= now) {
    BufferPtr quiet = silence(caps_.get(), kAudioStep);
    if (!quiet) return;
    ++filled_;
    send(std::move(quiet), next_);
  }
}

}  // namespace liveedit::streaming
