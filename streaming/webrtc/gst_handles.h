// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

namespace liveedit::streaming {

struct ObjectUnref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
using ElementPtr = std::unique_ptr<GstElement, ObjectUnref>;
using PadPtr = std::unique_ptr<GstPad, ObjectUnref>;

struct CapsUnref {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
};
using CapsPtr = std::unique_ptr<GstCaps, CapsUnref>;

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, BufferUnref>;

struct SampleUnref {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

// What a GObject signal handler needs, kept alive for as long as the handler is connected: g_signal_connect_data's
// destroy function for a `new std::shared_ptr<T>`.
template <typename T>
void drop_shared(gpointer data, GClosure*) {
  delete static_cast<std::shared_ptr<T>*>(data);
}

template <typename T>
gulong connect_shared(gpointer object, const char* signal, GCallback handler, const std::shared_ptr<T>& data) {
  return g_signal_connect_data(object, signal, handler, new std::shared_ptr<T>(data), drop_shared<T>,
                               static_cast<GConnectFlags>(0));
}

}  // namespace liveedit::streaming
