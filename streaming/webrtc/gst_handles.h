// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {

using ElementPtr = ObjectPtr<GstElement>;
using PadPtr = ObjectPtr<GstPad>;

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, BufferUnref>;

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

// The elements of `line` as a bin with ghost pads for what is not linked. Throws std::runtime_error.
GstElement* make_bin(const std::string& line);

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
