// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

#include "elements/base/gst_pointers.h"
#include "elements/base/hold_timer.h"

namespace liveedit::elements {

// For elements of GstBaseTransform whose frames stay inside for a while: submit_input_buffer hands each to a stream of
// them, which has
//   NextFrame next(BufferPtr*)   the next frame that leaves now
//   gint64 next_due()            when the oldest that stays inside can leave, as g_get_monotonic_time() counts; -1:
//   never void let_go(gint64 now)      lets the oldest leave if it is due at `now`
// and generate_output is give_next(). What leaves between two frames goes by a HoldTimer, which calls push_due().
enum class NextFrame {
  kNothing,    // it stays inside
  kUntouched,  // it leaves itself
  kPicture,    // it is the original of the picture that transform() writes
};

// For a picture `base`, the class of GstBaseTransform, gets an output buffer and calls transform().
template <typename Stream>
GstFlowReturn give_next(GstBaseTransform* trans, GstBaseTransformClass* base, Stream& stream, HoldTimer& hold,
                        GstBuffer** output) {
  BufferPtr frame;
  *output = nullptr;
  switch (stream.next(&frame)) {
    case NextFrame::kNothing:
      hold.set(stream.next_due());
      return GST_FLOW_OK;
    case NextFrame::kUntouched:
      *output = frame.release();
      return GST_FLOW_OK;
    case NextFrame::kPicture:
      break;
  }
  trans->queued_buf = frame.release();
  return base->generate_output(trans, output);
}

// Pushes all that generate_output gives now, in order.
GstFlowReturn push_ready(GstBaseTransform* trans);

// On the timer's thread, which takes the sink pad's stream lock. *flow, under that lock: what came of it, which the
// next frame shall hear; while it is not GST_FLOW_OK nothing is pushed.
template <typename Stream>
void push_due(GstBaseTransform* trans, Stream& stream, GstFlowReturn* flow) {
  GST_PAD_STREAM_LOCK(trans->sinkpad);
  if (!GST_PAD_IS_FLUSHING(trans->sinkpad) && *flow == GST_FLOW_OK) {
    stream.let_go(g_get_monotonic_time());
    *flow = push_ready(trans);
  }
  GST_PAD_STREAM_UNLOCK(trans->sinkpad);
}

}  // namespace liveedit::elements
