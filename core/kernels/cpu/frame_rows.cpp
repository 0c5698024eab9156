// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/cpu/frame_rows.h"

#include <algorithm>
#include <cstring>

// Each step is a plain loop over a small buffer that stays in the first-level cache; the compiler vectorises it.
namespace liveedit::kernels {
namespace {

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

// R G B bytes -> packed pixels of four bytes, the last 255.
template <int kRed>
void scatter_rgb(const std::uint8_t* __restrict rgb, int width, std::uint8_t* __restrict pixels) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t pixel[4] = {rgb[3 * x + kRed], rgb[3 * x + 1], rgb[3 * x + 2 - kRed], 255};
    std::memcpy(pixels + 4 * x, pixel, sizeof pixel);
  }
}

template <int kStep>
void set_alpha(const std::uint8_t* __restrict alpha, int width, std::uint8_t* __restrict pixels) {
  for (int x = 0; x < width; ++x) pixels[4 * x + 3] = alpha[kStep * x];
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

void decode_row(const YuvCoefficients& coefficients, const std::uint8_t* __restrict luma, const float* __restrict blue,
                const float* __restrict red, int width, float* __restrict rgb) {
  for (int x = 0; x < width; ++x) {
    yuv_to_rgb(coefficients, static_cast<float>(luma[x]), blue[x], red[x], rgb + 3 * x);
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
  std::uint8_t* blue = row_of(frame, 1, chroma_row);
  std::uint8_t* red = interleaved ? blue + 1 : row_of(frame, 2, chroma_row);
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

}  // namespace

FrameRowReader::FrameRowReader(const FrameView& frame)
    : frame_(frame),
      coefficients_(yuv_coefficients(frame.matrix, frame.full_range)),
      bytes_(3 * static_cast<std::size_t>(frame.width)),
      rgb_(3 * static_cast<std::size_t>(frame.width)),
      blue_chroma_(static_cast<std::size_t>(frame.width)),
      red_chroma_(static_cast<std::size_t>(frame.width)) {}

const float* FrameRowReader::rgb(int y) {
  if (y == row_) return rgb_.data();
  row_ = y;
  if (is_packed(frame_.format)) {
    gather_rgb(frame_.format, row_of(frame_, 0, y), frame_.width, bytes_.data());
    bytes_to_floats(bytes_.data(), 3 * frame_.width, rgb_.data());
  } else {
    read_yuv(y);
  }
  return rgb_.data();
}

void FrameRowReader::read_yuv(int y) {
  const int last_row = (frame_.height + 1) / 2 - 1;
  const int near_row = y / 2;
  const int far_row = std::clamp(y % 2 == 0 ? near_row - 1 : near_row + 1, 0, last_row);
  const bool interleaved = frame_.format == PixelFormat::kNv12;
  const int step = interleaved ? 2 : 1;
  const int red_plane = interleaved ? 1 : 2;
  const int red_offset = interleaved ? 1 : 0;
  upsample_chroma(row_of(frame_, 1, near_row), row_of(frame_, 1, far_row), step, frame_.width, blue_chroma_.data());
  upsample_chroma(row_of(frame_, red_plane, near_row) + red_offset, row_of(frame_, red_plane, far_row) + red_offset,
                  step, frame_.width, red_chroma_.data());
  decode_row(coefficients_, row_of(frame_, 0, y), blue_chroma_.data(), red_chroma_.data(), frame_.width, rgb_.data());
}

FrameRowWriter::FrameRowWriter(const FrameView& frame)
    : frame_(frame),
      coefficients_(yuv_coefficients(frame.matrix, frame.full_range)),
      bytes_(3 * static_cast<std::size_t>(frame.width)),
      above_(is_packed(frame.format) ? 0 : 3 * static_cast<std::size_t>(frame.width)) {}

void FrameRowWriter::write(int y, const float* rgb, const std::uint8_t* alpha, int alpha_step) {
  if (is_packed(frame_.format)) return write_packed(y, rgb, alpha, alpha_step);
  write_luma_row(coefficients_, rgb, frame_.width, row_of(frame_, 0, y));
  if (y % 2 == 1) {
    write_chroma_row(frame_, coefficients_, above_.data(), rgb, y / 2);
  } else if (y + 1 == frame_.height) {
    write_chroma_row(frame_, coefficients_, rgb, rgb, y / 2);
  } else {
    std::copy_n(rgb, above_.size(), above_.data());
  }
}

void FrameRowWriter::write_packed(int y, const float* rgb, const std::uint8_t* alpha, int alpha_step) {
  std::uint8_t* pixels = row_of(frame_, 0, y);
  if (frame_.format == PixelFormat::kRgb) return round_row(rgb, 3 * frame_.width, pixels);
  round_row(rgb, 3 * frame_.width, bytes_.data());
  if (packed_order(frame_.format).red == 0) {
    scatter_rgb<0>(bytes_.data(), frame_.width, pixels);
  } else {
    scatter_rgb<2>(bytes_.data(), frame_.width, pixels);
  }
  if (alpha == nullptr || !has_alpha(frame_.format)) return;
  if (alpha_step == 1) {
    set_alpha<1>(alpha, frame_.width, pixels);
  } else {
    set_alpha<4>(alpha, frame_.width, pixels);
  }
}

}  // namespace liveedit::kernels
