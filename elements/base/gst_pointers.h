// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

namespace liveedit::elements {

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, BufferUnref>;

struct ObjectUnref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
using PoolPtr = std::unique_ptr<GstBufferPool, ObjectUnref>;

struct GFree {
  void operator()(gpointer memory) const { g_free(memory); }
};
using StringPtr = std::unique_ptr<gchar, GFree>;

}  // namespace liveedit::elements
