// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/frame_convert.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/kernels/frame_layout.h"
#include "core/kernels/pixel_math.h"

// A row at a time through small buffers that stay in the first-level cache; each step is a plain loop that the compiler
// vectorises.
namespace liveedit::kernels {
namespace {

const std::uint8_t* row_of(const FrameView& frame, int plane, int row) {
  return frame.planes[plane] + static_cast<std::ptrdiff_t>(row) * frame.strides[plane];
}

std::uint8_t* writable_row_of(const FrameView& frame, int plane, int row) {
  return frame.planes[plane] + static_cast<std::ptrdiff_t>(row) * frame.strides[plane];
}

// Packed pixels -> R G B bytes.
template <int kPixelBytes, int kRed>
void gather_rgb(const std::uint8_t* __restrict pixels, int width, std::uint8_t* __restrict rgb) {
  for (int x = 0; x < width; ++x) {
    rgb[3 * x] = pixels[kPixelBytes * x + kRed];
    rgb[3 * x + 1] = pixels[kPixelBytes * x + 1];
    rgb[3 * x + 2] = pixels[kPixelBytes * x + 2 - kRed];
  }
}

void gather_rgb(PixelFormat format, const std::uint8_t* pixels, int width, std::uint8_t* rgb) {
  const PackedOrder order = packed_order(format);
  if (order.pixel_bytes == 3) {
    std::memcpy(rgb, pixels, 3 * static_cast<std::size_t>(width));
  } else if (order.red == 0) {
    gather_rgb<4, 0>(pixels, width, rgb);
  } else {
    gather_rgb<4, 2>(pixels, width, rgb);
  }
}

// R G B bytes -> packed pixels of four bytes; the last is that of `alpha`, or 255 where it is null.
template <int kRed>
void scatter_rgb(const std::uint8_t* __restrict rgb, const std::uint8_t* __restrict alpha, int width,
                 std::uint8_t* __restrict pixels) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t pixel[4] = {rgb[3 * x + kRed], rgb[3 * x + 1], rgb[3 * x + 2 - kRed], 255};
    std::memcpy(pixels + 4 * x, pixel, sizeof pixel);
  }
  if (alpha == nullptr) return;
  for (int x = 0; x < width; ++x) pixels[4 * x + 3] = alpha[4 * x + 3];
}

void round_row(const float* __restrict values, int count, std::uint8_t* __restrict bytes) {
  for (int i = 0; i < count; ++i) bytes[i] = round_byte(values[i]);
}

void bytes_to_floats(const std::uint8_t* __restrict bytes, int count, float* __restrict values) {
  for (int i = 0; i < count; ++i) values[i] = static_cast<float>(bytes[i]);
}

// One chroma sample a luma column, already blended: `near` and `far` are the two chroma rows; step 2 for interleaved
// CbCr.
void upsample_chroma(const std::uint8_t* near_row, const std::uint8_t* far_row, int step, int width, float* out) {
  const int last = (width + 1) / 2 - 1;
  for (int column = 0; column <= last; ++column) {
    const int next = std::min(column + 1, last);
    const int near_left = near_row[column * step];
    const int far_left = far_row[column * step];
    out[2 * column] = blend_chroma(near_left, near_left, far_left, far_left);
    if (2 * column + 1 < width) {
      out[2 * column + 1] = blend_chroma(near_left, near_row[next * step], far_left, far_row[next * step]);
    }
  }
}

// Row buffers of one conversion, sized once.
struct Rows {
  explicit Rows(int width)
      : bytes(3 * static_cast<std::size_t>(width)),
        rgb(3 * static_cast<std::size_t>(width)),
        next_rgb(3 * static_cast<std::size_t>(width)),
        blue_chroma(static_cast<std::size_t>(width)),
        red_chroma(static_cast<std::size_t>(width)) {}
  std::vector<std::uint8_t> bytes;
  std::vector<float> rgb;       // 0..255
  std::vector<float> next_rgb;  // the row below, where chroma needs it
  std::vector<float> blue_chroma;
  std::vector<float> red_chroma;
};

void decode_row(const YuvCoefficients& coefficients, const std::uint8_t* __restrict luma, const float* __restrict blue,
                const float* __restrict red, int width, float* __restrict rgb) {
  for (int x = 0; x < width; ++x) {
    yuv_to_rgb(coefficients, static_cast<float>(luma[x]), blue[x], red[x], rgb + 3 * x);
  }
}

void read_yuv_row(const FrameView& frame, const YuvCoefficients& coefficients, int y, Rows& rows) {
  const int last_row = (frame.height + 1) / 2 - 1;
  const int near_row = y / 2;
  const int far_row = std::clamp(y % 2 == 0 ? near_row - 1 : near_row + 1, 0, last_row);
  const bool interleaved = frame.format == PixelFormat::kNv12;
  const int step = interleaved ? 2 : 1;
  const int red_plane = interleaved ? 1 : 2;
  const int red_offset = interleaved ? 1 : 0;
  upsample_chroma(row_of(frame, 1, near_row), row_of(frame, 1, far_row), step, frame.width, rows.blue_chroma.data());
  upsample_chroma(row_of(frame, red_plane, near_row) + red_offset, row_of(frame, red_plane, far_row) + red_offset, step,
                  frame.width, rows.red_chroma.data());
  decode_row(coefficients, row_of(frame, 0, y), rows.blue_chroma.data(), rows.red_chroma.data(), frame.width,
             rows.rgb.data());
}

void read_packed_row(const FrameView& frame, int y, Rows& rows) {
  gather_rgb(frame.format, row_of(frame, 0, y), frame.width, rows.bytes.data());
  bytes_to_floats(rows.bytes.data(), 3 * frame.width, rows.rgb.data());
}

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
  Rows rows(frame.width);
  const YuvCoefficients coefficients = yuv_coefficients(frame.matrix, frame.full_range);
  const std::size_t row_length = 3 * static_cast<std::size_t>(picture.width);
  Bits* out = static_cast<Bits*>(picture.data);
  for (int y = 0; y < frame.height; ++y, out += row_length) {
    if (is_packed(frame.format)) {
      read_packed_row(frame, y, rows);
    } else {
      read_yuv_row(frame, coefficients, y, rows);
    }
    store_row<Stored>(rows.rgb.data(), 3 * frame.width, out);
    const Bits* last = out + 3 * (static_cast<std::size_t>(frame.width) - 1);
    for (std::size_t x = static_cast<std::size_t>(frame.width); x < static_cast<std::size_t>(picture.width); ++x) {
      std::copy_n(last, 3, out + 3 * x);
    }
  }
  for (int y = frame.height; y < picture.height; ++y, out += row_length) {
    std::copy_n(out - row_length, row_length, out);
  }
}

void write_packed_row(const FrameView& original, const FrameView& frame, int y, Rows& rows) {
  std::uint8_t* pixels = writable_row_of(frame, 0, y);
  const bool keep_alpha = has_alpha(frame.format) && has_alpha(original.format) && original.planes[0] != nullptr;
  std::uint8_t* bytes = frame.format == PixelFormat::kRgb ? pixels : rows.bytes.data();
  round_row(rows.rgb.data(), 3 * frame.width, bytes);
  if (frame.format == PixelFormat::kRgb) return;
  const std::uint8_t* alpha = keep_alpha ? row_of(original, 0, y) : nullptr;
  if (packed_order(frame.format).red == 0) {
    scatter_rgb<0>(bytes, alpha, frame.width, pixels);
  } else {
    scatter_rgb<2>(bytes, alpha, frame.width, pixels);
  }
}

void write_luma_row(const YuvCoefficients& coefficients, const float* __restrict rgb, int width,
                    std::uint8_t* __restrict luma) {
  for (int x = 0; x < width; ++x) {
    luma[x] = coded_luma(coefficients, luma_of(coefficients, rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2]));
  }
}

// `top` and `bottom` are the two rows of R G B that share the chroma row (the same row twice at an odd bottom edge).
void write_chroma_row(const FrameView& frame, const YuvCoefficients& coefficients, const float* top,
                      const float* bottom, int chroma_row) {
  const bool interleaved = frame.format == PixelFormat::kNv12;
  const int step = interleaved ? 2 : 1;
  std::uint8_t* blue = writable_row_of(frame, 1, chroma_row);
  std::uint8_t* red = interleaved ? blue + 1 : writable_row_of(frame, 2, chroma_row);
  for (int column = 0; column < (frame.width + 1) / 2; ++column) {
    const int left = 3 * (2 * column);
    const int right = 3 * std::min(2 * column + 1, frame.width - 1);
    float mean[3];
    for (int c = 0; c < 3; ++c)
      mean[c] = (top[left + c] + top[right + c] + bottom[left + c] + bottom[right + c]) * 0.25f;
    const float luma = luma_of(coefficients, mean[0], mean[1], mean[2]);
    blue[column * step] = coded_chroma(coefficients, mean[2] - luma, coefficients.cb_scale);
    red[column * step] = coded_chroma(coefficients, mean[0] - luma, coefficients.cr_scale);
  }
}

template <typename Stored>
void fill_frame(const PictureTensor& picture, const FrameView& original, const FrameView& frame) {
  Rows rows(frame.width);
  const YuvCoefficients coefficients = yuv_coefficients(frame.matrix, frame.full_range);
  const std::size_t row_length = 3 * static_cast<std::size_t>(picture.width);
  const auto* in = static_cast<const typename Stored::Bits*>(picture.data);
  if (is_packed(frame.format)) {
    for (int y = 0; y < frame.height; ++y) {
      load_row<Stored>(in + y * row_length, 3 * frame.width, rows.rgb.data());
      write_packed_row(original, frame, y, rows);
    }
    return;
  }
  for (int y = 0; y < frame.height; y += 2) {
    const bool has_bottom = y + 1 < frame.height;
    load_row<Stored>(in + y * row_length, 3 * frame.width, rows.rgb.data());
    write_luma_row(coefficients, rows.rgb.data(), frame.width, writable_row_of(frame, 0, y));
    if (has_bottom) {
      load_row<Stored>(in + (y + 1) * row_length, 3 * frame.width, rows.next_rgb.data());
      write_luma_row(coefficients, rows.next_rgb.data(), frame.width, writable_row_of(frame, 0, y + 1));
    }
    write_chroma_row(frame, coefficients, rows.rgb.data(), has_bottom ? rows.next_rgb.data() : rows.rgb.data(), y / 2);
  }
}

}  // namespace

void frame_to_picture_cpu(const FrameView& frame, const PictureTensor& picture) {
  switch (picture.element) {
    case Element::kF32:
      return fill_picture<StoredF32>(frame, picture);
    case Element::kF16:
      return fill_picture<StoredF16>(frame, picture);
    case Element::kBf16:
      return fill_picture<StoredBf16>(frame, picture);
  }
}

void picture_to_frame_cpu(const PictureTensor& picture, const FrameView& original, const FrameView& frame) {
  switch (picture.element) {
    case Element::kF32:
      return fill_frame<StoredF32>(picture, original, frame);
    case Element::kF16:
      return fill_frame<StoredF16>(picture, original, frame);
    case Element::kBf16:
      return fill_frame<StoredBf16>(picture, original, frame);
  }
}

void copy_frame_cpu(const FrameView& from, const FrameView& to) {
  for (int plane = 0; plane < plane_count(from.format); ++plane) {
    const std::size_t bytes = plane_row_bytes(from.format, plane, from.width);
    for (int row = 0; row < plane_rows(from.format, plane, from.height); ++row) {
      std::memcpy(writable_row_of(to, plane, row), row_of(from, plane, row), bytes);
    }
  }
}

void copy_frame_keep_alpha_cpu(const FrameView& from, const FrameView& original, const FrameView& to) {
  if (!has_alpha(from.format) || !has_alpha(original.format)) return copy_frame_cpu(from, to);
  for (int y = 0; y < from.height; ++y) {
    const std::uint8_t* colours = row_of(from, 0, y);
    const std::uint8_t* alpha = row_of(original, 0, y);
    std::uint8_t* out = writable_row_of(to, 0, y);
    for (int x = 0; x < from.width; ++x) {
      std::uint32_t pixel;
      std::memcpy(&pixel, colours + 4 * x, sizeof pixel);
      std::memcpy(out + 4 * x, &pixel, sizeof pixel);
      out[4 * x + 3] = alpha[4 * x + 3];
    }
  }
}

}  // namespace liveedit::kernels
