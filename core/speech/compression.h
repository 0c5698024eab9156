// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::speech {

// Bytes of the text over its bytes after zlib: above about 2.4 it says the same again and again. 0 for no text.
double compression_ratio(const std::string& text);

}  // namespace liveedit::speech
