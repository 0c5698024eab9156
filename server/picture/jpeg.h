// SPDX-License-Identifier: LGPL-2.1-or-later
// JPEG to RGBx pixels and back (libjpeg-turbo). Files come from strangers: nothing is decoded before its head is known
// to be within the limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace liveedit::server {

struct PictureLimits {
  size_t bytes = 8 * 1024 * 1024;
  uint32_t side = 4096;  // pixels, of the longer one; the shorter has 16 at least
};

struct PictureSize {
  uint32_t width = 0, height = 0;
};

// The size that a picture has when it fits into `box` and keeps its shape; never larger than it is, even numbers, at
// least 16 pixels a side. Precondition: so has it.
PictureSize fitted(PictureSize picture, PictureSize box);

// Decoders and encoders are for one thread at a time.
class JpegReader {
 public:
  explicit JpegReader(const PictureLimits& limits);
  ~JpegReader();
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // The size that a file says it has. Throws Error (kSettings) where it is no JPEG or outside the limits.
  PictureSize look(std::string_view file);
  // The picture, scaled to fitted(): writes that many RGBx pixels, rows without gaps, to `pixels`, which has room for
  // box.width x box.height. Throws Error as look() does, and where the file is damaged.
  PictureSize read(std::string_view file, PictureSize box, uint8_t* pixels);

 private:
  // What a damaged file leaves in libjpeg-turbo's decoder makes it refuse good ones.
  void renew();

  const PictureLimits limits_;
  void* turbo_;
  std::string whole_;  // the picture before it is scaled
};

class JpegWriter {
 public:
  JpegWriter();
  ~JpegWriter();
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  // `pixels`: RGBx, rows without gaps. `quality`: 1 to 100. Throws Error (kSettings).
  std::string write(const uint8_t* pixels, PictureSize size, int quality);

 private:
  void* const turbo_;
};

}  // namespace liveedit::server
