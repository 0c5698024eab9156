// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include <gst/audio/audio.h>

#include "elements/whisperprompt/sound_queue.h"

namespace liveedit::elements {

struct ConverterFree {
  void operator()(GstAudioConverter* converter) const { gst_audio_converter_free(converter); }
};

// Makes mono sound of kSpeechSampleRate out of raw audio of any format, rate and number of channels, and knows at what
// time of the stream it stands. Streaming thread.
class SoundIntake {
 public:
  // What comes from now on. false: this cannot be converted.
  bool set_format(const GstAudioInfo& info);

  // Forgets what was heard; the format stays.
  void reset();

  // Buffers without a timestamp follow the one before. Sound that continues the one before within kTolerance is counted
  // on from it, so that jittering timestamps do no harm; else time begins anew where the buffer says.
  // *wrong: whether the buffer cannot be read.
  std::vector<Heard> take(GstBuffer* buffer, bool* wrong);

  // What the resampler has kept back.
  std::vector<Heard> drain();

  // The time of what would come next; GST_CLOCK_TIME_NONE before the first buffer.
  GstClockTime next_time() const;

  // Goes on at this time, behind sound that is missing.
  void skip_to(GstClockTime time);

 private:
  static constexpr GstClockTime kTolerance = 40 * GST_MSECOND;

  void begin_at(GstClockTime pts);
  void convert(const void* data, gsize frames, std::vector<Heard>* heard);

  GstAudioInfo info_{};
  std::unique_ptr<GstAudioConverter, ConverterFree> converter_;
  GstClockTime begin_ = GST_CLOCK_TIME_NONE;  // of both counts
  guint64 frames_in_ = 0;
  guint64 samples_out_ = 0;
};

}  // namespace liveedit::elements
