// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/gst_handles.h"

#include <stdexcept>

namespace liveedit::streaming {

GstElement* make_bin(const std::string& line) {
  GError* error = nullptr;
  GstElement* bin =
      gst_parse_bin_from_description_full(line.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (bin) return bin;
  const std::string text = error->message;
  g_clear_error(&error);
  throw std::runtime_error(text);
}

}  // namespace liveedit::streaming
