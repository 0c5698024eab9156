// SPDX-License-Identifier: LGPL-2.1-or-later
// JPEG, PNG and WebP to RGBx pixels, told apart by their first bytes, whatever a client calls them. Files come from
// strangers: nothing is decoded before its head is known to be within the limits.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "server/picture/jpeg.h"

namespace liveedit::server {

enum class PictureKind { kUnknown, kJpeg, kPng, kWebp };
PictureKind kind_of_picture(std::string_view file);

// For one thread at a time. What is transparent is seen on white; of an APNG the still picture is taken, and an
// animated WebP is refused.
class PictureReader {
 public:
  explicit PictureReader(const PictureLimits& limits) : limits_(limits), jpeg_(limits) {}

  // The size that a file says it has. Throws Error (kSettings) where it is none of the three or outside the limits.
  PictureSize look(std::string_view file);
  // The picture, scaled to fitted(): writes that many RGBx pixels, rows without gaps, to `pixels`, which has room for
  // box.width x box.height. Throws Error as look() does, and where the file is damaged.
  PictureSize read(std::string_view file, PictureSize box, uint8_t* pixels);

 private:
  const PictureLimits limits_;
  JpegReader jpeg_;
};

// The parts of the above; sizes have been checked when pixels are read.

// What the head says. Throws Error (kSettings) where there is none.
PictureSize look_at_png(std::string_view file);
PictureSize look_at_webp(std::string_view file);
// RGBx pixels of the whole picture. Throws Error (kSettings) where the file is damaged.
std::vector<uint8_t> read_png(std::string_view file, PictureSize size);
// The picture, scaled to `size`, into `pixels`.
void read_webp(std::string_view file, PictureSize size, uint8_t* pixels);

// RGBA, not premultiplied, on white: in place.
void put_on_white(uint8_t* pixels, size_t count);

}  // namespace liveedit::server
