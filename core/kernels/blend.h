// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace liveedit::kernels {

// What of an edited picture is seen: all of it, or each pixel by the weight that the original's alpha a (0..255) gives
// it: a, or 255 - a. The rest of the pixel is the original's.
enum class Blend { kNone, kByAlpha, kByInverseAlpha };

}  // namespace liveedit::kernels
