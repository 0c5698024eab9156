// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/frame_convert.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/pixel_math.h"

// A row at a time through small buffers that stay in the first-level cache; each step is a plain loop that the compiler
// vectorises.
namespace liveedit::kernels {
namespace {

template <typename Stored>
void store_row(const float* __restrict rgb, int count, typename Stored::Bits* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = Stored::store(to_signed_unit(rgb[i]));
}

template <typename Stored>
void load_row(const typename Stored::Bits* __restrict in, int count, float* __restrict rgb) {
  for (int i = 0; i < count; ++i) rgb[i] = clamp_byte(to_byte_range(Stored::load(in[i])));
}

template <typename Stored>
void fill_picture(const FrameView& frame, const PictureTensor& picture) {
  using Bits = typename Stored::Bits;
  FrameRowReader rows(frame);
  const std::size_t row_length = 3 * static_cast<std::size_t>(picture.width);
  Bits* out = static_cast<Bits*>(picture.data);
  for (int y = 0; y < frame.height; ++y, out += row_length) {
    store_row<Stored>(rows.rgb(y), 3 * frame.width, out);
    const Bits* last = out + 3 * (static_cast<std::size_t>(frame.width) - 1);
    for (std::size_t x = static_cast<std::size_t>(frame.width); x < static_cast<std::size_t>(picture.width); ++x) {
      std::copy_n(last, 3, out + 3 * x);
    }
  }
  for (int y = frame.height; y < picture.height; ++y, out += row_length) {
    std::copy_n(out - row_length, row_length, out);
  }
}

// `pixels` holds the edited row of four-byte pixels, their alpha included.
template <Blend kBlend>
void blend_row(const std::uint8_t* __restrict original, int width, std::uint8_t* __restrict pixels) {
  for (int x = 0; x < width; ++x) {
    const int weight = edit_weight(kBlend, original[4 * x + 3]);
    for (int c = 0; c < 3; ++c) pixels[4 * x + c] = blend_byte(pixels[4 * x + c], original[4 * x + c], weight);
  }
}

void blend_row(Blend blend, const FrameView& original, const FrameView& frame, int y) {
  if (blend == Blend::kByAlpha) blend_row<Blend::kByAlpha>(row_of(original, 0, y), frame.width, row_of(frame, 0, y));
  if (blend == Blend::kByInverseAlpha) {
    blend_row<Blend::kByInverseAlpha>(row_of(original, 0, y), frame.width, row_of(frame, 0, y));
  }
}

template <typename Stored>
void fill_frame(const PictureTensor& picture, const FrameView& original, const FrameView& frame, Blend blend) {
  FrameRowWriter writer(frame);
  std::vector<float> rgb(3 * static_cast<std::size_t>(frame.width));
  const bool keep_alpha = has_alpha(frame.format) && has_alpha(original.format) && original.planes[0] != nullptr;
  const std::size_t row_length = 3 * static_cast<std::size_t>(picture.width);
  const auto* in = static_cast<const typename Stored::Bits*>(picture.data);
  for (int y = 0; y < frame.height; ++y) {
    load_row<Stored>(in + y * row_length, 3 * frame.width, rgb.data());
    writer.write(y, rgb.data(), keep_alpha ? row_of(original, 0, y) + 3 : nullptr, 4);
    blend_row(blend, original, frame, y);
  }
}

}  // namespace

void frame_to_picture_cpu(const FrameView& frame, const PictureTensor& picture) {
  by_stored(picture.element, [&]<typename Stored>(Stored) { fill_picture<Stored>(frame, picture); });
}

void picture_to_frame_cpu(const PictureTensor& picture, const FrameView& original, const FrameView& frame,
                          Blend blend) {
  by_stored(picture.element, [&]<typename Stored>(Stored) { fill_frame<Stored>(picture, original, frame, blend); });
}

void copy_frame_cpu(const FrameView& from, const FrameView& to) {
  for (int plane = 0; plane < plane_count(from.format); ++plane) {
    const std::size_t bytes = plane_row_bytes(from.format, plane, from.width);
    for (int row = 0; row < plane_rows(from.format, plane, from.height); ++row) {
      std::memcpy(row_of(to, plane, row), row_of(from, plane, row), bytes);
    }
  }
}

void copy_frame_keep_alpha_cpu(const FrameView& from, const FrameView& original, const FrameView& to, Blend blend) {
  if (!has_alpha(from.format) || !has_alpha(original.format)) return copy_frame_cpu(from, to);
  for (int y = 0; y < from.height; ++y) {
    const std::uint8_t* colours = row_of(from, 0, y);
    const std::uint8_t* alpha = row_of(original, 0, y);
    std::uint8_t* out = row_of(to, 0, y);
    for (int x = 0; x < from.width; ++x) {
      std::uint32_t pixel;
      std::memcpy(&pixel, colours + 4 * x, sizeof pixel);
      std::memcpy(out + 4 * x, &pixel, sizeof pixel);
      out[4 * x + 3] = alpha[4 * x + 3];
    }
    blend_row(blend, original, to, y);
  }
}

}  // namespace liveedit::kernels
