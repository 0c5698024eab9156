// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound of any kind as speech is understood in: one channel, 16 bits, link's kListenRate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gst/audio/audio.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::server {

// For one thread at a time.
class SpeechSound {
 public:
  // A tenth of a second: little enough not to be waited for, enough to be worth a message.
  static constexpr size_t kPieceBytes = 3200;

  // Raw sound with its caps. Gives the pieces that are full; what is not sound gives none.
  std::vector<std::string> take(GstBuffer* sound, GstCaps* caps);

 private:
  struct Free {
    void operator()(GstAudioConverter* converter) const { gst_audio_converter_free(converter); }
  };

  bool follow(GstCaps* caps);

  streaming::CapsPtr caps_;
  std::unique_ptr<GstAudioConverter, Free> converter_;  // of caps_; null: they are of no use
  size_t frame_bytes_ = 0;                              // of all channels of caps_
  std::string rest_;
};

}  // namespace liveedit::server
