// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/sound_intake.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace liveedit::elements {
namespace {

// One piece of a large buffer, so that a film's minutes in one buffer need no minutes of memory more.
constexpr gsize kMostFrames = 1 << 16;

float as_sound(float sample) {
  return std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F;
}

// All channels alike, for those of which nobody knows where they stand; else nullptr, and GStreamer mixes.
GstStructure* even_mix(const GstAudioInfo& info) {
  const int channels = GST_AUDIO_INFO_CHANNELS(&info);
  if (!GST_AUDIO_INFO_IS_UNPOSITIONED(&info) || channels < 2) return nullptr;
  GValue row = G_VALUE_INIT, matrix = G_VALUE_INIT, share = G_VALUE_INIT;
  g_value_init(&row, GST_TYPE_ARRAY);
  g_value_init(&matrix, GST_TYPE_ARRAY);
  g_value_init(&share, G_TYPE_FLOAT);
  g_value_set_float(&share, 1.0F / static_cast<float>(channels));
  for (int i = 0; i < channels; ++i) gst_value_array_append_value(&row, &share);
  gst_value_array_append_and_take_value(&matrix, &row);
  g_value_unset(&share);
  GstStructure* options = gst_structure_new_empty("options");
  gst_structure_take_value(options, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX, &matrix);
  return options;
}

}  // namespace

bool SoundIntake::set_format(const GstAudioInfo& info) {
  GstAudioInfo mono;
  gst_audio_info_set_format(&mono, GST_AUDIO_FORMAT_F32, kSpeechSampleRate, 1, nullptr);
  GstAudioInfo from = info;
  converter_.reset(gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &from, &mono, even_mix(info)));
  info_ = info;
  begin_ = GST_CLOCK_TIME_NONE;
  return converter_ != nullptr;
}

void SoundIntake::reset() {
  begin_ = GST_CLOCK_TIME_NONE;
  if (converter_) gst_audio_converter_reset(converter_.get());
}

void SoundIntake::begin_at(GstClockTime pts) {
  begin_ = pts;
  frames_in_ = 0;
  samples_out_ = 0;
  gst_audio_converter_reset(converter_.get());
}

GstClockTime SoundIntake::next_time() const {
  if (!GST_CLOCK_TIME_IS_VALID(begin_)) return GST_CLOCK_TIME_NONE;
  return begin_ + gst_util_uint64_scale_int(frames_in_, GST_SECOND, GST_AUDIO_INFO_RATE(&info_));
}

void SoundIntake::skip_to(GstClockTime time) {
  if (converter_) begin_at(time);
}

std::vector<Heard> SoundIntake::take(GstBuffer* buffer, bool* wrong) {
  std::vector<Heard> heard;
  const GstClockTime expected = next_time();
  GstClockTime pts = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(pts)) pts = GST_CLOCK_TIME_IS_VALID(expected) ? expected : 0;
  const bool jumps =
      !GST_CLOCK_TIME_IS_VALID(expected) || (pts > expected ? pts - expected : expected - pts) > kTolerance;
  if (jumps) {
    heard = drain();
    begin_at(pts);
  }
  GstMapInfo map;
  *wrong = !gst_buffer_map(buffer, &map, GST_MAP_READ);
  if (*wrong) return heard;
  const gsize frame_bytes = GST_AUDIO_INFO_BPF(&info_);
  const gsize frames = map.size / frame_bytes;
  for (gsize at = 0; at < frames; at += kMostFrames) {
    convert(map.data + at * frame_bytes, std::min(kMostFrames, frames - at), &heard);
  }
  gst_buffer_unmap(buffer, &map);
  return heard;
}

std::vector<Heard> SoundIntake::drain() {
  std::vector<Heard> heard;
  if (!converter_ || !GST_CLOCK_TIME_IS_VALID(begin_)) return heard;
  const gsize latency = gst_audio_converter_get_max_latency(converter_.get());
  if (latency > 0) convert(nullptr, latency, &heard);
  return heard;
}

// Without data: silence.
void SoundIntake::convert(const void* data, gsize frames, std::vector<Heard>* heard) {
  const gsize count = gst_audio_converter_get_out_frames(converter_.get(), frames);
  Heard sound;
  sound.samples.resize(count);
  gpointer in[1] = {const_cast<gpointer>(data)};
  gpointer out[1] = {sound.samples.data()};
  frames_in_ += frames;
  if (!gst_audio_converter_samples(converter_.get(), GST_AUDIO_CONVERTER_FLAG_NONE, data ? in : nullptr, frames, out,
                                   count) ||
      count == 0) {
    return;
  }
  std::transform(sound.samples.begin(), sound.samples.end(), sound.samples.begin(), as_sound);
  sound.pts = begin_ + time_of(samples_out_);
  sound.arrival = g_get_monotonic_time();
  samples_out_ += count;
  heard->push_back(std::move(sound));
}

}  // namespace liveedit::elements
