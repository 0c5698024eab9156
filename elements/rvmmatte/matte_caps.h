// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

#include "core/api/matter.h"

namespace liveedit::elements {

// Formats that leave with each kind of output:
//   kRgba, kCutout   RGBA, BGRA
//   kMatte           GRAY8
//   kComposite       those of the sink pad
// What comes in may have any format of the sink pad.

// What can be on the other pad where `caps` are on the one of `direction`. The size, rate and aspect ratio stay.
GstCaps* transform_matte_caps(MatteOutput output, GstPadDirection direction, GstCaps* caps);

// One of `choices` (taken over), as near to `caps` as can be: their own format where it is among them.
GstCaps* fixate_matte_caps(GstCaps* caps, GstCaps* choices);

// Whether a peer that takes `caps` (any of them; nullptr: everything) takes pictures of this kind of output.
bool takes_output(const GstCaps* caps, MatteOutput output);

}  // namespace liveedit::elements
