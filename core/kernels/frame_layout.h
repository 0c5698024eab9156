// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "core/api/frame_view.h"

namespace liveedit::kernels {

// Where the colours of a packed format stand in a pixel; alpha = -1 where the format has none.
struct PackedOrder {
  int pixel_bytes;
  int red;
  int green;
  int blue;
  int alpha;
  int unused;  // X, or -1
};

inline bool is_packed(PixelFormat format) {
  return format != PixelFormat::kNv12 && format != PixelFormat::kI420;
}

inline bool has_alpha(PixelFormat format) {
  return format == PixelFormat::kRgba || format == PixelFormat::kBgra;
}

// Precondition: is_packed(format).
inline PackedOrder packed_order(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgbx:
      return {4, 0, 1, 2, -1, 3};
    case PixelFormat::kBgrx:
      return {4, 2, 1, 0, -1, 3};
    case PixelFormat::kRgba:
      return {4, 0, 1, 2, 3, -1};
    case PixelFormat::kBgra:
      return {4, 2, 1, 0, 3, -1};
    case PixelFormat::kGray8:
      return {1, 0, 0, 0, -1, -1};
    default:
      return {3, 0, 1, 2, -1, -1};
  }
}

inline int plane_count(PixelFormat format) {
  return format == PixelFormat::kNv12 ? 2 : format == PixelFormat::kI420 ? 3 : 1;
}

// Rows of a plane, and the bytes of one of its rows that carry the picture.
inline int plane_rows(PixelFormat format, int plane, int height) {
  return is_packed(format) || plane == 0 ? height : (height + 1) / 2;
}

inline std::size_t plane_row_bytes(PixelFormat format, int plane, int width) {
  const auto columns = static_cast<std::size_t>(width);
  if (is_packed(format)) return columns * static_cast<std::size_t>(packed_order(format).pixel_bytes);
  if (plane == 0) return columns;
  const std::size_t chroma = (columns + 1) / 2;
  return format == PixelFormat::kNv12 ? 2 * chroma : chroma;
}

}  // namespace liveedit::kernels
