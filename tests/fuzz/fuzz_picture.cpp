// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a picture: refused with Error, or it fits into its box.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "server/picture/picture_reader.h"
#include "streaming/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveedit::server;  // NOLINT: what is tested
  constexpr PictureSize kBox{64, 48};
  constexpr PictureLimits kLimits{std::size_t{1} << 20, 256};
  static PictureReader reader(kLimits);
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  std::vector<std::uint8_t> pixels(std::size_t{kBox.width} * kBox.height * 4);
  try {
    const PictureSize whole = reader.look(file);
    if (whole.width > kLimits.side || whole.height > kLimits.side) std::abort();
    const PictureSize fits = reader.read(file, kBox, pixels.data());
    if (fits.width > kBox.width || fits.height > kBox.height || fits.width < 16 || fits.height < 16) std::abort();
  } catch (const liveedit::streaming::Error& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
