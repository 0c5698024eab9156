// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/speech_sound.h"

#include "server/link/message.h"

namespace liveedit::server {

// false: what has these caps cannot be understood.
bool SpeechSound::follow(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps)) return converter_ != nullptr;
  caps_.reset(gst_caps_ref(caps));
  converter_.reset();
  rest_.clear();
  GstAudioInfo from, to;
  if (!gst_audio_info_from_caps(&from, caps) || GST_AUDIO_INFO_LAYOUT(&from) != GST_AUDIO_LAYOUT_INTERLEAVED ||
      GST_AUDIO_INFO_FORMAT(&from) == GST_AUDIO_FORMAT_ENCODED)
    return false;
  gst_audio_info_set_format(&to, GST_AUDIO_FORMAT_S16LE, kListenRate, 1, nullptr);
  frame_bytes_ = static_cast<size_t>(GST_AUDIO_INFO_BPF(&from));
  converter_.reset(gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &from, &to, nullptr));
  return converter_ != nullptr;
}

std::vector<std::string> SpeechSound::take(GstBuffer* sound, GstCaps* caps) {
  GstMapInfo map;
  if (!follow(caps) || !gst_buffer_map(sound, &map, GST_MAP_READ)) return {};
  const size_t in = map.size / frame_bytes_, out = gst_audio_converter_get_out_frames(converter_.get(), in);
  const size_t before = rest_.size();
  rest_.resize(before + out * sizeof(int16_t));
  gpointer from[] = {map.data}, to[] = {rest_.data() + before};
  if (in == 0 || !gst_audio_converter_samples(converter_.get(), GST_AUDIO_CONVERTER_FLAG_NONE, from, in, to, out))
    rest_.resize(before);
  gst_buffer_unmap(sound, &map);
  std::vector<std::string> pieces;
  for (; rest_.size() >= kPieceBytes; rest_.erase(0, kPieceBytes)) pieces.push_back(rest_.substr(0, kPieceBytes));
  return pieces;
}

}  // namespace liveedit::server
