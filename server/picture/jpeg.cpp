// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/picture/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>

#include "server/picture/scale.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;

constexpr uint32_t kSmallestSide = 16;
constexpr int kBytes = 4;  // of a pixel

const unsigned char* data_of(std::string_view file) {
  return reinterpret_cast<const unsigned char*>(file.data());
}

uint32_t even(double pixels) {
  return std::max(kSmallestSide, static_cast<uint32_t>(pixels / 2) * 2);
}

// The smallest of the sizes that libjpeg-turbo can decode to which is not smaller than `wanted`.
PictureSize decodable(PictureSize picture, PictureSize wanted) {
  int count = 0;
  const tjscalingfactor* factors = tjGetScalingFactors(&count);
  PictureSize best = picture;
  for (int i = 0; i < count; ++i) {
    const auto width = static_cast<uint32_t>(TJSCALED(static_cast<int>(picture.width), factors[i])),
               height = static_cast<uint32_t>(TJSCALED(static_cast<int>(picture.height), factors[i]));
    if (width >= wanted.width && height >= wanted.height && width < best.width) best = {width, height};
  }
  return best;
}

}  // namespace

PictureSize fitted(PictureSize picture, PictureSize box) {
  const double scale =
      std::min({1.0, static_cast<double>(box.width) / picture.width, static_cast<double>(box.height) / picture.height});
  return {std::min(box.width, even(picture.width * scale)), std::min(box.height, even(picture.height * scale))};
}

JpegReader::JpegReader(const PictureLimits& limits) : limits_(limits), turbo_(tjInitDecompress()) {
  if (!turbo_) throw Error(ErrorKind::kUnavailable, "libjpeg-turbo has no memory for a decoder.");
}

JpegReader::~JpegReader() {
  tjDestroy(turbo_);
}

void JpegReader::renew() {
  if (void* fresh = tjInitDecompress()) {
    tjDestroy(turbo_);
    turbo_ = fresh;
  }
}

PictureSize JpegReader::look(std::string_view file) {
  if (file.size() > limits_.bytes)
    throw Error(ErrorKind::kSettings, "A picture has " + std::to_string(limits_.bytes) + " bytes at most.");
  int width = 0, height = 0, sampling = 0, colours = 0;
  // Only the head is read; a file that starts with what is no JPEG is refused without a look at the rest.
  const bool is_jpeg = file.size() > 3 && file.starts_with("\xff\xd8\xff");
  const bool read =
      is_jpeg && tjDecompressHeader3(turbo_, data_of(file), file.size(), &width, &height, &sampling, &colours) == 0;
  if (!read || width < 1 || height < 1) {
    renew();
    throw Error(ErrorKind::kSettings, "This is not a JPEG picture.");
  }
  const int side = static_cast<int>(limits_.side), least = static_cast<int>(kSmallestSide);
  if (width < least || height < least || width > side || height > side)
    throw Error(ErrorKind::kSettings, "A picture has " + std::to_string(least) + " to " + std::to_string(side) +
                                          " pixels a side, not " + std::to_string(width) + "x" +
                                          std::to_string(height) + ".");
  return {static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
}

PictureSize JpegReader::read(std::string_view file, PictureSize box, uint8_t* pixels) {
  const PictureSize size = look(file), wanted = fitted(size, box), decoded = decodable(size, wanted);
  const bool as_it_is = decoded.width == wanted.width && decoded.height == wanted.height;
  uint8_t* to = pixels;
  if (!as_it_is) {
    whole_.resize(static_cast<size_t>(decoded.width) * decoded.height * kBytes);
    to = reinterpret_cast<uint8_t*>(whole_.data());
  }
  if (tjDecompress2(turbo_, data_of(file), file.size(), to, static_cast<int>(decoded.width), 0,
                    static_cast<int>(decoded.height), TJPF_RGBX, TJFLAG_FASTDCT | TJFLAG_LIMITSCANS) != 0) {
    const bool fatal = tjGetErrorCode(turbo_) == TJERR_FATAL;
    const std::string why = tjGetErrorStr2(turbo_);
    renew();
    // Damage that still gives a picture is no reason to refuse it: drivers of cameras make such files.
    if (fatal) throw Error(ErrorKind::kSettings, "The JPEG picture is damaged: " + why + ".");
  }
  if (!as_it_is) scale_picture(to, decoded, pixels, wanted);
  return wanted;
}

JpegWriter::JpegWriter() : turbo_(tjInitCompress()) {
  if (!turbo_) throw Error(ErrorKind::kUnavailable, "libjpeg-turbo has no memory for an encoder.");
}

JpegWriter::~JpegWriter() {
  tjDestroy(turbo_);
}

std::string JpegWriter::write(const uint8_t* pixels, PictureSize size, int quality) {
  const int width = static_cast<int>(size.width), height = static_cast<int>(size.height);
  std::string jpeg(tjBufSize(width, height, TJSAMP_420), '\0');
  auto* to = reinterpret_cast<unsigned char*>(jpeg.data());
  unsigned long bytes = jpeg.size();
  if (tjCompress2(turbo_, pixels, width, 0, height, TJPF_RGBX, &to, &bytes, TJSAMP_420, quality,
                  TJFLAG_NOREALLOC | TJFLAG_FASTDCT) != 0)
    throw Error(ErrorKind::kSettings,
                std::string("A picture could not be made a JPEG: ") + tjGetErrorStr2(turbo_) + ".");
  jpeg.resize(bytes);
  return jpeg;
}

}  // namespace liveedit::server
