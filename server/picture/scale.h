// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "server/picture/jpeg.h"

namespace liveedit::server {

// Makes a picture smaller: each pixel is the mean of those it covers. RGBx, rows without gaps. Precondition: `to` is
// not larger than `from` in either direction.
void scale_picture(const uint8_t* from, PictureSize from_size, uint8_t* to, PictureSize to_size);

}  // namespace liveedit::server
