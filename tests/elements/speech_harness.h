// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <gst/audio/audio.h>

#include "tests/elements/element_harness.h"

namespace liveedit::testing {

// What has left by the source pad: a text, a gap or another event.
struct Left {
  std::string what;  // "text", or an event's name: gap, eos, segment ...
  std::string text;
  GstClockTime start = GST_CLOCK_TIME_NONE;
  GstClockTime end = GST_CLOCK_TIME_NONE;
};

// A whisperprompt between two harness pads, PLAYING from the start. With the double of the core, sound above 0.05 is
// speech, and the text of an utterance is "heard N ms".
class SpeechHarness : public ElementHarness {
 public:
  static constexpr const char* kCaps = "audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved";

  // `properties` as on a gst-launch line. Not live unless said so.
  explicit SpeechHarness(const std::string& properties = "", const std::string& caps = kCaps, bool live = false);
  ~SpeechHarness();

  // Sound of this length in buffers of 100 ms, behind what was pushed before: a loud tone of 200 Hz, or silence.
  GstFlowReturn say(double seconds) { return push(seconds, 0.5F); }
  GstFlowReturn hush(double seconds) { return push(seconds, 0); }
  GstFlowReturn push(double seconds, float loudness);
  // The same as one buffer; a format of F32LE, S16LE or U8.
  GstBuffer* sound(double seconds, float loudness);
  GstFlowReturn push(const std::vector<float>& samples);  // kCaps
  void set_time(GstClockTime time) { time_ = time; }      // of the next buffer
  GstClockTime time() const { return time_; }
  void set_buffer_seconds(double seconds) { buffer_seconds_ = seconds; }

  // What has left so far. EOS that is pushed now has left when this returns.
  std::vector<Left> left();
  std::vector<Left> left_after_eos();
  std::vector<Left> texts_after_eos();
  // The next text; fails where none comes for 20 s.
  std::string wait_text();
  // Called for each text; what it gives back is the flow that the element gets.
  void answer_texts_with(GstFlowReturn flow);
  // Gaps are counted only.
  void forget_gaps() { forget_gaps_ = true; }

  // Messages of this name that were not taken before; the next of them, or a failure and nullptr if none comes for 20
  // s.
  std::vector<MessagePtr> element_messages(const char* name);
  MessagePtr wait_message(const char* name);

 private:
  static GstPadProbeReturn watch(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void note(GstPadProbeInfo* info);

  GstAudioInfo* info_ = nullptr;
  GstClockTime time_ = 0;
  double buffer_seconds_ = 0.1;
  double phase_ = 0;
  std::mutex mutex_;
  std::vector<Left> left_;  // mutex_
  std::size_t texts_given_ = 0;
  bool forget_gaps_ = false;
};

std::string text_field(const MessagePtr& message, const char* field);
std::uint64_t time_field(const MessagePtr& message, const char* field);

}  // namespace liveedit::testing
