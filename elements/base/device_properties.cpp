// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/device_properties.h"

#include "elements/base/enum_type.h"

namespace liveedit::elements {

GType dtype_type() {
  static constexpr EnumText<Dtype> texts[] = {
      {Dtype::kAuto, "The fastest that is good enough: fp16 on CUDA; on a CPU fp32, or bf16 where that is faster",
       "auto"},
      {Dtype::kFp32, "32-bit floating point", "fp32"},
      {Dtype::kFp16, "16-bit floating point", "fp16"},
      {Dtype::kBf16, "Brain floating point, 16 bits", "bf16"},
  };
  static const GType type = register_enum("GstLiveeditDtype", texts);
  return type;
}

GType acceleration_type() {
  static constexpr EnumText<Acceleration> texts[] = {
      {Acceleration::kAuto, "The fastest that the device has", "auto"},
      {Acceleration::kNone, "One frame at a time, operation by operation: the lowest latency, fewer frames a second",
       "none"},
      {Acceleration::kGraph, "Replay one CUDA graph a frame", "graph"},
  };
  static const GType type = register_enum("GstLiveeditAcceleration", texts);
  return type;
}

}  // namespace liveedit::elements
