// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "server/picture/jpeg.h"

namespace liveedit::server {

// How far pixels are from their mean: the standard deviation of red, green or blue, whichever is greatest, of 0 (one
// colour) to 127.5. Every fourth pixel of every fourth row is looked at. RGBx, rows without gaps.
double contrast(const uint8_t* picture, PictureSize size);

}  // namespace liveedit::server
