// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/compression.h"

#include <vector>

#include <zlib.h>

namespace liveedit::speech {

double compression_ratio(const std::string& text) {
  if (text.empty()) return 0;
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> packed(size);
  // The level is that of OpenAI's reference, zlib's default.
  compress2(packed.data(), &size, reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()),
            Z_DEFAULT_COMPRESSION);
  return static_cast<double>(text.size()) / static_cast<double>(size);
}

}  // namespace liveedit::speech
