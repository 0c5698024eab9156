// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include <gst/video/video.h>

#include "core/api/matter.h"

namespace liveedit::elements {

// Writes a frame as if nobody were in it: the background's colour alone for kComposite, nothing at all for kCutout, an
// empty matte for kMatte and kRgba (whose colours are the original's already). What a frame becomes whose matte could
// not be made: its room stays hidden. The frame is mapped to system memory.
void write_hidden(MatteOutput output, std::uint32_t background_color, GstVideoFrame* to);

}  // namespace liveedit::elements
