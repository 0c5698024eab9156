// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/held_frames.h"

namespace liveedit::elements {

GstFlowReturn push_ready(GstBaseTransform* trans) {
  while (true) {
    GstBuffer* output = nullptr;
    GstFlowReturn flow = GST_BASE_TRANSFORM_GET_CLASS(trans)->generate_output(trans, &output);
    if (!output) return flow;
    if (flow == GST_FLOW_OK) {
      flow = gst_pad_push(trans->srcpad, output);
    } else {
      gst_buffer_unref(output);
    }
    if (flow != GST_FLOW_OK) return flow;
  }
}

}  // namespace liveedit::elements
