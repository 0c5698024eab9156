// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

namespace liveedit::elements {

// The text_sink pad: prompts as a stream of text. A text with a timestamp waits here, and its thread with it, until the
// video reaches its running time; one more is prepared behind it. A text without a timestamp is due at once. An empty
// text, a GAP and EOS change nothing.
class TextPad {
 public:
  // Called on the text thread with a text that will be due, so that it can be encoded beside the video; false: not
  // possible yet.
  using Prepare = std::function<bool(const std::string& text)>;

  TextPad(GstElement* element, Prepare prepare) : element_(element), prepare_(std::move(prepare)) {}

  // The pad, newly added to the element; nullptr if there is one already. Element's request_new_pad and release_pad.
  GstPad* add(GstPadTemplate* pad_template);
  void remove(GstPad* pad);

  // true: texts and due() wait no more. false: they wait again, and what waited before is forgotten.
  void set_flushing(bool flushing);

  // While true, due() does not wait: the video pad flushes.
  void set_video_flushing(bool flushing);

  // The video has ended (true) or started (false): no text will be due any more.
  void set_video_eos(bool eos);

  // The newest text that is due at `running_time` of the video (GST_CLOCK_TIME_NONE: only texts without a timestamp).
  // wait: first wait until the text stream has got there.
  std::optional<std::string> due(GstClockTime running_time, bool wait);
  bool would_wait(GstClockTime running_time);  // whether due(running_time, true) would

  // Seeks concern texts as well.
  void forward_upstream(GstEvent* event);

 private:
  struct Cue {
    std::string text;
    GstClockTime start;  // running time
  };

  static GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean event(GstPad* pad, GstObject* parent, GstEvent* event);
  static void unlinked(GstPad* pad, GstObject* parent);
  static GstPadLinkReturn linked(GstPad* pad, GstObject* parent, GstPad* peer);

  GstFlowReturn take(GstBuffer* buffer);
  GstFlowReturn enqueue(std::string text, GstClockTime start);
  void handle(GstEvent* event);
  void advance(GstClockTime running_time);
  bool text_missing(GstClockTime running_time) const;
  std::optional<std::string> read_text(GstBuffer* buffer);

  GstElement* const element_;
  const Prepare prepare_;
  GstPad* pad_ = nullptr;  // owned by the element; changed under its object lock
  GstSegment segment_{};   // text thread only
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::optional<Cue> waiting_;
  std::optional<std::string> immediate_;
  GstClockTime known_until_ = 0;  // running time that the text stream has reached
  bool linked_ = false;
  bool eos_ = false;
  bool flushing_ = true;       // the element is not streaming
  bool pad_flushing_ = false;  // between FLUSH_START and FLUSH_STOP of the text
  bool video_flushing_ = false;
  bool video_eos_ = false;
};

}  // namespace liveedit::elements
