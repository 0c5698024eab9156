// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

#include "elements/base/cuda_memory.h"

namespace liveedit::elements {

// Virtual functions of GstBaseTransform as every element needs them that makes one picture out of one.

// get_unit_size: bytes of a picture with these caps.
gboolean video_unit_size(GstBaseTransform* trans, GstCaps* caps, gsize* size);

// For propose_allocation: upstream may use video meta, and shall have at least `buffers` of them. For caps of CUDA
// memory a pool of it comes from `cuda`. FALSE: the query has no video caps, or there is no such memory.
gboolean propose_video_buffers(GstQuery* query, guint buffers, CudaMemory* cuda);

// decide_allocation: downstream's pool where it has one that can be used, else one of our own; for caps of CUDA memory
// with the help of `cuda`.
gboolean decide_video_allocation(GstBaseTransform* trans, GstQuery* query, CudaMemory* cuda);

// transform_meta: the picture keeps its place and size, so all that is said of these stays true; what is said of the
// memory does not.
gboolean keep_video_meta(GstBaseTransform* trans, GstBuffer* output, GstMeta* meta, GstBuffer* input);

}  // namespace liveedit::elements
