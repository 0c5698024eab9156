// SPDX-License-Identifier: LGPL-2.1-or-later
// The way in of a serving element: a bin with the pads "sink" (video, always) and "audio_sink" (on request). What
// arrives is paced by the clock and handed on by reference; encoding happens elsewhere, and only while somebody
// watches.
#pragma once

#include <functional>
#include <mutex>

#include <gst/gst.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {

enum class InputKind { kVideo = 0, kAudio = 1 };
constexpr size_t kInputKinds = 2;

// Adds both pad templates: raw video and raw audio of any format, in system memory.
void install_input_templates(GstElementClass* element_class);

class LiveInputs {
 public:
  // Both run on streaming threads. `running_time` is the sample's in the element's pipeline.
  using Receive = std::function<void(InputKind kind, GstSample* sample, GstClockTime running_time)>;
  using End = std::function<void(InputKind kind)>;

  // Adds the pad "sink" to `bin`.
  LiveInputs(GstBin* bin, Receive receive, End end);
  LiveInputs(const LiveInputs&) = delete;
  LiveInputs& operator=(const LiveInputs&) = delete;

  // For GstElementClass::request_new_pad and release_pad. Null: it is there already.
  GstPad* request_audio_pad(GstPadTemplate* pad_template);
  void release_audio_pad(GstPad* pad);

 private:
  // clocksync ! appsink, in a bin that is added to the element's.
  GstElement* add_chain(InputKind kind);

  GstBin* const bin_;
  const Receive receive_;
  const End end_;
  std::mutex mutex_;
  GstPad* audio_pad_ = nullptr;  // the bin owns it
  ObjectPtr<GstElement> audio_chain_;
};

}  // namespace liveedit::streaming
