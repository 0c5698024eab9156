// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "core/api/device_options.h"

namespace liveedit::elements {

// GEnum types of properties that every element with a network has: Dtype and Acceleration of the border.
GType dtype_type();
GType acceleration_type();

}  // namespace liveedit::elements
