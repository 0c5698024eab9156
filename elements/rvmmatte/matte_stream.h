// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>

#include <gst/video/video.h>

#include "core/api/matter.h"
#include "elements/base/frame_counter.h"
#include "elements/base/gst_pointers.h"
#include "elements/base/held_frames.h"
#include "elements/base/warnings.h"
#include "elements/base/work_time.h"
#include "elements/rvmmatte/opaque_picture.h"

namespace liveedit::elements {

// What a frame left as; the first ones as in MatteOutcome.
enum class MatteLeft { kMatted, kReused, kHeld, kPassed };

// The frames of one element on their way through the core: keeps the originals of those inside, gives every frame back
// in the order in which it came, and turns what the core says into messages. Used under the sink pad's stream lock, so
// by one thread at a time; it posts messages, so the caller holds no other lock.
class MatteStream {
 public:
  MatteStream(GstElement* element, FrameCounter* counter) : element_(element), counter_(counter), warnings_(element) {}

  // The stream of the core that the next frames go to; what was inside another is dropped. Cheap if it is the same.
  void attach(std::shared_ptr<Matter> matter);
  void detach();

  // Precondition: nothing inside.
  void set_formats(const GstVideoInfo& in, const GstVideoInfo& out);

  // Takes a frame to cut out with `params`. A frame that fails alone leaves as if nobody were in it (hidden_picture.h),
  // with a warning; otherwise an error is posted.
  GstFlowReturn submit(BufferPtr frame, const std::shared_ptr<const MatteParams>& params);

  // Takes a frame that passes whole, after those before it. What the network remembers is too old afterwards.
  void pass(BufferPtr frame);

  // The next frame that leaves now: one whose matte keeps the device waiting for the next frame stays inside until that
  // comes, let_go() or finish(). kUntouched: `frame` is it. kPicture: `frame` is the original of the picture that
  // write() makes.
  NextFrame next(BufferPtr* frame);
  GstFlowReturn write(GstBuffer* original, GstBuffer* output);

  // When the oldest frame that stays inside has probably got its matte, as g_get_monotonic_time() counts; -1: none
  // does.
  gint64 next_due() const;
  // Lets the oldest frame leave if it is due at `now`.
  void let_go(gint64 now);

  // No more input for now: everything inside can leave.
  void finish() { due_ = inside_; }
  bool empty() const { return frames_.empty(); }

  // Forgets everything inside, and what the network remembers.
  void reset();

  Warnings& warnings() { return warnings_; }

 private:
  enum class Way { kCore, kWhole, kHidden };

  struct Frame {
    BufferPtr original;
    Way way;
    std::shared_ptr<const MatteParams> params;  // but for kWhole
    gint64 submitted = 0;                       // g_get_monotonic_time()
  };

  std::shared_ptr<const MatteParams> usable(const std::shared_ptr<const MatteParams>& asked);
  bool leaves_untouched() const;
  GstFlowReturn collect(GstBuffer* original, GstBuffer* output, bool* collected);
  GstFlowReturn write_without_core(GstBuffer* original, GstBuffer* output);
  GstFlowReturn refuse(const char* text);

  GstElement* const element_;
  FrameCounter* const counter_;
  Warnings warnings_;
  std::shared_ptr<Matter> matter_;
  int cuda_device_ = -1;  // where matter_ works; -1: the CPU
  GstVideoInfo in_{};
  GstVideoInfo out_{};
  OpaquePicture opaque_;
  std::deque<Frame> frames_;
  int inside_ = 0;  // frames of frames_ that are in the core
  int due_ = 0;     // of these, how many leave without waiting for more to come
  WorkTime work_time_;
  Frame writing_{nullptr, Way::kWhole, nullptr};  // that next() gave last; its buffer is the caller's
  bool stale_ = false;                            // frames have passed beside the network
  std::uint64_t next_id_ = 0;
  std::shared_ptr<const MatteParams> asked_;  // the last parameters that came
  std::shared_ptr<const MatteParams> used_;   // what was made of them
};

}  // namespace liveedit::elements
