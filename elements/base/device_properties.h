// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/api/device_options.h"
#include "elements/base/property_table.h"

namespace liveedit::elements {

// GEnum types of Dtype and Acceleration of the border.
GType dtype_type();
GType acceleration_type();

// Adds the properties that say where and how an element's networks run, which are fields of `config` in its Settings.
// `acceleration`: what that property says of itself.
template <typename Settings>
void add_device_properties(PropertyTable<Settings>& table,
                           const char* acceleration = "How a CUDA device is driven; no effect on the CPU") {
  constexpr int kMaxThreads = 1024;
  table.add_string(
      "device", "Device", "Where the networks run: auto, cpu, cuda or cuda:N",
      [](auto& s) -> auto& { return s.config.device; }, kReady);
  table.add_enum(
      "dtype", "Data type", "Precision of the networks", dtype_type(), [](auto& s) -> auto& { return s.config.dtype; },
      kReady);
  table.add_int(
      "threads", "Threads", "CPU threads for the networks; 0: one a core", 0, kMaxThreads,
      [](auto& s) -> auto& { return s.config.threads; }, kReady);
  table.add_enum(
      "acceleration", "Acceleration", acceleration, acceleration_type(),
      [](auto& s) -> auto& { return s.config.acceleration; }, kReady);
}

}  // namespace liveedit::elements
