// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/device_properties.h"

namespace liveedit::elements {

GType dtype_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Dtype::kAuto),
       "The fastest that is good enough: fp16 on CUDA; on a CPU fp32, or bf16 where that is faster", "auto"},
      {static_cast<gint>(Dtype::kFp32), "32-bit floating point", "fp32"},
      {static_cast<gint>(Dtype::kFp16), "16-bit floating point", "fp16"},
      {static_cast<gint>(Dtype::kBf16), "Brain floating point, 16 bits", "bf16"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstLiveeditDtype", values);
  return type;
}

GType acceleration_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Acceleration::kAuto), "The fastest that the device has", "auto"},
      {static_cast<gint>(Acceleration::kNone),
       "One frame at a time, operation by operation: the lowest latency, fewer frames a second", "none"},
      {static_cast<gint>(Acceleration::kGraph), "Replay one CUDA graph a frame", "graph"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstLiveeditAcceleration", values);
  return type;
}

}  // namespace liveedit::elements
