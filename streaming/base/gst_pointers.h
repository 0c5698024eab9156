// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

namespace liveedit::streaming {

struct ObjectUnref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
// Owns one reference to a GstObject.
template <typename T>
using ObjectPtr = std::unique_ptr<T, ObjectUnref>;

struct GObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

struct SampleUnref {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

struct CapsUnref {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
};
using CapsPtr = std::unique_ptr<GstCaps, CapsUnref>;

}  // namespace liveedit::streaming
