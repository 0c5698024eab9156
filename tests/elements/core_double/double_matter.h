// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/api/matter.h"

namespace liveedit::testing {

// A Matter whose pictures a test can compute. A pixel's matte is the first byte of its place in plane 0 (red, blue or
// Y'); the matte of the first pixel is instead the number of frames that the network has seen since its last reset, so
// that a test sees what it remembers. With a similar_threshold > 0 every frame is similar to the one before.
//   kRgba        the picture and the matte
//   kCutout      the picture inverted and the matte
//   kMatte       the matte
//   kComposite   the picture where the matte is >= 128; elsewhere, and as grey in Y'CbCr, the red of the image's first
//                pixel, or 7 where background_blur > 0, or the red of the colour
// A threshold of 1 is refused by check().
std::unique_ptr<Matter> make_double_matter(const MatterConfig& config);

}  // namespace liveedit::testing
