// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/qr_code.h"

#include <memory>

#include <qrencode.h>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

constexpr int kQuietZone = 4;  // squares, by ISO/IEC 18004

}  // namespace

std::string qr_code_svg(const std::string& text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_M),
                                                             QRcode_free);
  if (!code) throw streaming::Error(streaming::ErrorKind::kSettings, "This is too long for a QR code.");
  const std::string side = std::to_string(code->width + 2 * kQuietZone);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
                    "\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h" + side + "v" + side +
                    "H0z\"/><path d=\"";
  for (int y = 0; y < code->width; ++y) {
    for (int x = 0; x < code->width; ++x) {
      if (code->data[y * code->width + x] & 1)
        svg += "M" + std::to_string(x + kQuietZone) + " " + std::to_string(y + kQuietZone) + "h1v1h-1z";
    }
  }
  return svg + "\"/></svg>";
}

}  // namespace liveedit::server
