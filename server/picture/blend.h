// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "server/picture/jpeg.h"

namespace liveedit::server {

// picture * (1 - ratio) + other * ratio, in place; `other` is stretched to the picture's size. RGBx, rows without gaps.
// Precondition: 0 <= ratio <= 1.
void blend_pictures(uint8_t* picture, PictureSize size, const uint8_t* other, PictureSize other_size, double ratio);

}  // namespace liveedit::server
