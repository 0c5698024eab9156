// SPDX-License-Identifier: LGPL-2.1-or-later
#include <webp/decode.h>

#include "server/picture/picture_reader.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;

const uint8_t* bytes_of(std::string_view file) {
  return reinterpret_cast<const uint8_t*>(file.data());
}

WebPBitstreamFeatures features_of(std::string_view file) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes_of(file), file.size(), &features) != VP8_STATUS_OK || features.width < 1 ||
      features.height < 1)
    throw Error(ErrorKind::kSettings, "This WebP picture has no head that can be read.");
  if (features.has_animation) throw Error(ErrorKind::kSettings, "This WebP file is a film, not a picture.");
  return features;
}

}  // namespace

PictureSize look_at_webp(std::string_view file) {
  const WebPBitstreamFeatures features = features_of(file);
  return {static_cast<uint32_t>(features.width), static_cast<uint32_t>(features.height)};
}

void read_webp(std::string_view file, PictureSize size, uint8_t* pixels) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    throw Error(ErrorKind::kUnavailable, "libwebp is another version than expected.");
  config.input = features_of(file);
  config.options.use_scaling = 1;
  config.options.scaled_width = static_cast<int>(size.width);
  config.options.scaled_height = static_cast<int>(size.height);
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = static_cast<int>(size.width) * 4;
  config.output.u.RGBA.size = static_cast<size_t>(size.width) * size.height * 4;
  if (WebPDecode(bytes_of(file), file.size(), &config) != VP8_STATUS_OK)
    throw Error(ErrorKind::kSettings, "The WebP picture is damaged.");
  if (config.input.has_alpha) put_on_white(pixels, static_cast<size_t>(size.width) * size.height);
}

}  // namespace liveedit::server
