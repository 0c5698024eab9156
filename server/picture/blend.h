// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/picture/jpeg.h"

namespace liveedit::server {

// Pixels are RGBx, rows without gaps.

// `to` becomes `from` in another size and, where need be, another shape.
void stretch_picture(const uint8_t* from, PictureSize from_size, uint8_t* to, PictureSize to_size);

// picture * (1 - ratio) + other * ratio, in place, to the nearest whole number. Precondition: 0 <= ratio <= 1.
void mix_pictures(uint8_t* picture, const uint8_t* other, size_t pixels, double ratio);

// Both: `other` is stretched to the picture's size and mixed into it.
void blend_pictures(uint8_t* picture, PictureSize size, const uint8_t* other, PictureSize other_size, double ratio);

}  // namespace liveedit::server
