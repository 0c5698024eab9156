// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <gst/video/video.h>

#include "core/api/diffuser.h"
#include "elements/base/gst_pointers.h"
#include "elements/base/held_frames.h"
#include "elements/base/warnings.h"
#include "elements/base/work_time.h"
#include "elements/diffusionfilter/frame_statistics.h"

namespace liveedit::elements {

// The frames of one element on their way through the core: keeps the originals of those inside, gives every frame back
// in the order in which it came, and turns what the core says into messages. Used under the video pad's stream lock, so
// by one thread at a time; it posts messages, so the caller holds no other lock.
class EditStream {
 public:
  EditStream(GstElement* element, FrameStatistics* statistics)
      : element_(element), statistics_(statistics), warnings_(element) {}

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

  // The next frame that leaves now: one whose edit keeps the device waiting for the next frame stays inside until that
  // comes, let_go() or finish(). kUntouched: `frame` is it. kPicture: `frame` is the original of the picture that
  // collect() writes.
  NextFrame next(BufferPtr* frame);
  GstFlowReturn collect(GstBuffer* original, GstBuffer* output, GstClockTime stream_time);

  // When the oldest frame that stays inside has probably been edited, as g_get_monotonic_time() counts; -1: none does.
  gint64 next_due() const;
  // Lets the oldest frame leave if it is due at `now`; lets all leave that have been, or are being, edited.
  void let_go(gint64 now);
  void let_all_go();

  // No more input for now: everything inside can leave.
  GstFlowReturn finish();

  // Forgets everything inside.
  void reset();

 private:
  struct Frame {
    BufferPtr original;
    std::shared_ptr<const EditParams> params;  // nullptr: leaves as it is
    gint64 submitted = 0;                      // g_get_monotonic_time()
  };

  std::shared_ptr<const EditParams> usable(const std::shared_ptr<const EditParams>& asked);
  void tell_prompt(const EditParams& params, GstClockTime stream_time);

  // When the work on the oldest frame's picture began: with the last of the frames that it was denoised together with.
  gint64 oldest_begun() const;

  GstElement* const element_;
  FrameStatistics* const statistics_;
  Warnings warnings_;
  std::shared_ptr<Diffuser> diffuser_;
  int cuda_device_ = -1;  // the GPU that diffuser_ works on
  GstVideoInfo info_{};
  std::deque<Frame> frames_;
  int inside_ = 0;   // frames of frames_ that are in the core
  int leaving_ = 0;  // how many of them leave without waiting for others
  WorkTime work_time_;
  gint64 begun_ = 0;  // oldest_begun() of the frame that next() gave as kPicture
  std::uint64_t next_id_ = 0;
  std::shared_ptr<const EditParams> collecting_;  // of the frame that next() gave as kPicture
  std::shared_ptr<const EditParams> asked_;       // the last parameters that came
  std::shared_ptr<const EditParams> used_;        // what was made of them
  bool told_prompt_ = false;
  std::string prompt_;
};

}  // namespace liveedit::elements
