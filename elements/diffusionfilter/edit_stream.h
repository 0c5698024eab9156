// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>

#include <gst/video/video.h>

#include "core/api/diffuser.h"
#include "elements/base/gst_pointers.h"
#include "elements/diffusionfilter/frame_statistics.h"

namespace liveedit::elements {

// The frames of one element on their way through the core: keeps the originals of those inside, gives every frame back
// in the order in which it came, and turns what the core says into messages. Used under the video pad's stream lock, so
// by one thread at a time; it posts messages, so the caller holds no other lock.
class EditStream {
 public:
  EditStream(GstElement* element, FrameStatistics* statistics) : element_(element), statistics_(statistics) {}

  // The stream of the core that the next frames go to; what was inside another is dropped. Cheap if it is the same.
  void attach(std::shared_ptr<Diffuser> diffuser);
  void detach();

  // Precondition: nothing inside.
  void set_format(const GstVideoInfo& info) { info_ = info; }

  // Takes a frame to edit with `params`. A frame that fails alone is passed on as it is, with a warning; otherwise an
  // error is posted.
  GstFlowReturn submit(BufferPtr frame, std::shared_ptr<const EditParams> params);

  // Takes a frame that leaves as it is, after those before it.
  GstFlowReturn pass(BufferPtr frame);

  enum class Next { kNothing, kUntouched, kEdited };
  // The next frame that can leave now. kUntouched: `frame` is it. kEdited: `frame` is the original of the picture that
  // collect() writes.
  Next next(BufferPtr* frame);
  GstFlowReturn collect(GstBuffer* original, GstBuffer* output, GstClockTime stream_time);

  // No more input for now: everything inside can leave.
  GstFlowReturn finish();

  // Forgets everything inside.
  void reset();

 private:
  struct Frame {
    BufferPtr original;
    std::shared_ptr<const EditParams> params;  // nullptr: leaves as it is
  };

  std::shared_ptr<const EditParams> usable(const std::shared_ptr<const EditParams>& asked);
  void warn_of_frame(const std::string& text);
  void warn_of_settings(const std::string& text);
  bool is_new_warning(const std::string& text);
  void tell_prompt(const EditParams& params, GstClockTime stream_time);

  // Runs `work`, which enters the core. kInference: a warning and false in `*done`; other exceptions: an error and
  // GST_FLOW_ERROR.
  template <typename Work>
  GstFlowReturn enter(bool* done, Work&& work);

  GstElement* const element_;
  FrameStatistics* const statistics_;
  std::shared_ptr<Diffuser> diffuser_;
  GstVideoInfo info_{};
  std::deque<Frame> frames_;
  int inside_ = 0;  // frames of frames_ that are in the core
  std::uint64_t next_id_ = 0;
  std::shared_ptr<const EditParams> collecting_;  // of the frame that next() gave as kEdited
  std::shared_ptr<const EditParams> asked_;       // the last parameters that came
  std::shared_ptr<const EditParams> used_;        // what was made of them
  std::set<std::string> warned_;
  bool told_prompt_ = false;
  std::string prompt_;
};

}  // namespace liveedit::elements
