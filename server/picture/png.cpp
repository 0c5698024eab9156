// SPDX-License-Identifier: LGPL-2.1-or-later
#include <png.h>

#include "server/picture/picture_reader.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;

// Signature, then length, "IHDR", width and height.
constexpr size_t kHeadBytes = 8 + 4 + 4 + 4 + 4;

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

PictureSize look_at_png(std::string_view file) {
  if (file.size() < kHeadBytes || file.substr(12, 4) != "IHDR")
    throw Error(ErrorKind::kSettings, "This PNG picture has no head.");
  return {big_endian(file.substr(16)), big_endian(file.substr(20))};
}

// libpng's simplified interface: it passes over all chunks that the pixels do not need, compressed texts and profiles
// among them.
std::vector<uint8_t> read_png(std::string_view file, PictureSize size) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  std::vector<uint8_t> pixels(static_cast<size_t>(size.width) * size.height * 4);
  const auto damaged = [&image] {
    const std::string why = image.message;
    png_image_free(&image);
    return Error(ErrorKind::kSettings, "The PNG picture is damaged: " + why + ".");
  };
  if (!png_image_begin_read_from_memory(&image, file.data(), file.size())) throw damaged();
  image.format = PNG_FORMAT_RGBA;
  if (image.width != size.width || image.height != size.height ||
      !png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr))
    throw damaged();
  png_image_free(&image);
  put_on_white(pixels.data(), pixels.size() / 4);
  return pixels;
}

}  // namespace liveedit::server
