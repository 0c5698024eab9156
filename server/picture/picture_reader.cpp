// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/picture_reader.h"

#include <cstring>

#include "server/picture/scale.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;

constexpr uint32_t kSmallestSide = 16;

void check_size(PictureSize size, const PictureLimits& limits) {
  const auto outside = [&](uint32_t side) { return side < kSmallestSide || side > limits.side; };
  if (outside(size.width) || outside(size.height))
    throw Error(ErrorKind::kSettings, "A picture has " + std::to_string(kSmallestSide) + " to " +
                                          std::to_string(limits.side) + " pixels a side, not " +
                                          std::to_string(size.width) + "x" + std::to_string(size.height) + ".");
}

}  // namespace

PictureKind kind_of_picture(std::string_view file) {
  using namespace std::string_view_literals;  // NOLINT: these texts have zeros in them
  if (file.starts_with("\xff\xd8\xff"sv)) return PictureKind::kJpeg;
  if (file.starts_with("\x89PNG\r\n\x1a\n"sv)) return PictureKind::kPng;
  if (file.size() > 12 && file.starts_with("RIFF"sv) && file.substr(8, 4) == "WEBP"sv) return PictureKind::kWebp;
  return PictureKind::kUnknown;
}

PictureSize PictureReader::look(std::string_view file) {
  if (file.size() > limits_.bytes)
    throw Error(ErrorKind::kSettings, "A picture has " + std::to_string(limits_.bytes) + " bytes at most.");
  PictureSize size;
  switch (kind_of_picture(file)) {
    case PictureKind::kJpeg:
      return jpeg_.look(file);
    case PictureKind::kPng:
      size = look_at_png(file);
      break;
    case PictureKind::kWebp:
      size = look_at_webp(file);
      break;
    case PictureKind::kUnknown:
      throw Error(ErrorKind::kSettings, "This is not a JPEG, PNG or WebP picture.");
  }
  check_size(size, limits_);
  return size;
}

PictureSize PictureReader::read(std::string_view file, PictureSize box, uint8_t* pixels) {
  const PictureKind kind = kind_of_picture(file);
  if (kind == PictureKind::kJpeg) return jpeg_.read(file, box, pixels);
  const PictureSize size = look(file), wanted = fitted(size, box);
  if (kind == PictureKind::kWebp) {
    read_webp(file, wanted, pixels);
    return wanted;
  }
  const std::vector<uint8_t> whole = read_png(file, size);
  if (size.width == wanted.width && size.height == wanted.height) {
    memcpy(pixels, whole.data(), whole.size());
  } else {
    scale_picture(whole.data(), size, pixels, wanted);
  }
  return wanted;
}

void put_on_white(uint8_t* pixels, size_t count) {
  for (uint8_t* end = pixels + count * 4; pixels != end; pixels += 4) {
    const uint32_t alpha = pixels[3];
    for (int i = 0; i < 3; ++i) pixels[i] = static_cast<uint8_t>((pixels[i] * alpha + 255 * (255 - alpha) + 127) / 255);
    pixels[3] = 255;
  }
}

}  // namespace liveedit::server
