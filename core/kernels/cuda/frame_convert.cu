// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/frame_convert.h"

#include "core/kernels/cuda/launch.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {
namespace {

constexpr unsigned kBlockWidth = 32;
constexpr unsigned kBlockHeight = 8;

// What a kernel needs of a FrameView; std::array's accessors are host functions.
struct DeviceFrame {
  int width;
  int height;
  std::uint8_t* planes[3];
  std::ptrdiff_t strides[3];
  bool packed;
  bool interleaved;
  PackedOrder order;
  YuvCoefficients coefficients;
};

DeviceFrame device_frame(const FrameView& frame) {
  DeviceFrame device{};
  device.width = frame.width;
  device.height = frame.height;
  for (int plane = 0; plane < 3; ++plane) {
    device.planes[plane] = frame.planes[plane];
    device.strides[plane] = frame.strides[plane];
  }
  device.packed = is_packed(frame.format);
  device.interleaved = frame.format == PixelFormat::kNv12;
  if (device.packed) device.order = packed_order(frame.format);
  device.coefficients = yuv_coefficients(frame.matrix, frame.full_range);
  return device;
}

dim3 grid_for(int width, int height) {
  return dim3(blocks_for(static_cast<std::uint64_t>(width), kBlockWidth),
              blocks_for(static_cast<std::uint64_t>(height), kBlockHeight));
}

__device__ const std::uint8_t* row_of(const DeviceFrame& frame, int plane, int row) {
  return frame.planes[plane] + row * frame.strides[plane];
}

__device__ float upsampled(const std::uint8_t* near_row, const std::uint8_t* far_row, int step, int offset, int x,
                           int last) {
  const int left = x / 2;
  const int right = min(left + x % 2, last);
  return blend_chroma(near_row[left * step + offset], near_row[right * step + offset], far_row[left * step + offset],
                      far_row[right * step + offset]);
}

__device__ void read_yuv(const DeviceFrame& frame, int x, int y, float rgb[3]) {
  const int last_row = (frame.height + 1) / 2 - 1;
  const int last_column = (frame.width + 1) / 2 - 1;
  const int near_row = y / 2;
  const int far_row = min(max(y % 2 == 0 ? near_row - 1 : near_row + 1, 0), last_row);
  const int step = frame.interleaved ? 2 : 1;
  const int red_plane = frame.interleaved ? 1 : 2;
  const int red_offset = frame.interleaved ? 1 : 0;
  const float blue = upsampled(row_of(frame, 1, near_row), row_of(frame, 1, far_row), step, 0, x, last_column);
  const float red = upsampled(row_of(frame, red_plane, near_row), row_of(frame, red_plane, far_row), step, red_offset,
                              x, last_column);
  yuv_to_rgb(frame.coefficients, static_cast<float>(row_of(frame, 0, y)[x]), blue, red, rgb);
}

template <typename Stored>
__global__ void fill_picture(DeviceFrame frame, typename Stored::Bits* picture, int width, int height) {
  const int x = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  if (x >= width || y >= height) return;
  const int from_x = min(x, frame.width - 1);
  const int from_y = min(y, frame.height - 1);
  float rgb[3];
  if (frame.packed) {
    const std::uint8_t* pixel = row_of(frame, 0, from_y) + frame.order.pixel_bytes * from_x;
    rgb[0] = static_cast<float>(pixel[frame.order.red]);
    rgb[1] = static_cast<float>(pixel[frame.order.green]);
    rgb[2] = static_cast<float>(pixel[frame.order.blue]);
  } else {
    read_yuv(frame, from_x, from_y, rgb);
  }
  typename Stored::Bits* out = picture + 3 * (static_cast<std::size_t>(y) * width + x);
  for (int c = 0; c < 3; ++c) out[c] = Stored::store(to_signed_unit(rgb[c]));
}

template <typename Stored>
__device__ void load_rgb(const typename Stored::Bits* picture, int picture_width, int x, int y, float rgb[3]) {
  const typename Stored::Bits* in = picture + 3 * (static_cast<std::size_t>(y) * picture_width + x);
  for (int c = 0; c < 3; ++c) rgb[c] = clamp_byte(to_byte_range(Stored::load(in[c])));
}

// `alpha` is the original's first plane where alpha comes from there, else null.
template <typename Stored>
__global__ void fill_packed(const typename Stored::Bits* picture, int picture_width, const std::uint8_t* alpha,
                            std::ptrdiff_t alpha_stride, DeviceFrame frame) {
  const int x = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  if (x >= frame.width || y >= frame.height) return;
  float rgb[3];
  load_rgb<Stored>(picture, picture_width, x, y, rgb);
  std::uint8_t* pixel = frame.planes[0] + y * frame.strides[0] + frame.order.pixel_bytes * x;
  pixel[frame.order.red] = round_byte(rgb[0]);
  pixel[frame.order.green] = round_byte(rgb[1]);
  pixel[frame.order.blue] = round_byte(rgb[2]);
  if (frame.order.pixel_bytes == 4) pixel[3] = alpha == nullptr ? 255 : alpha[y * alpha_stride + 4 * x + 3];
}

// One thread writes 2x2 luma samples and the chroma sample that they share.
template <typename Stored>
__global__ void fill_planar(const typename Stored::Bits* picture, int picture_width, DeviceFrame frame) {
  const int column = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  if (2 * column >= frame.width || 2 * row >= frame.height) return;
  const int xs[2] = {2 * column, min(2 * column + 1, frame.width - 1)};
  const int ys[2] = {2 * row, min(2 * row + 1, frame.height - 1)};
  const YuvCoefficients& c = frame.coefficients;
  float rgb[4][3];
  for (int i = 0; i < 4; ++i) {
    load_rgb<Stored>(picture, picture_width, xs[i % 2], ys[i / 2], rgb[i]);
    frame.planes[0][ys[i / 2] * frame.strides[0] + xs[i % 2]] =
        coded_luma(c, luma_of(c, rgb[i][0], rgb[i][1], rgb[i][2]));
  }
  float mean[3];
  for (int k = 0; k < 3; ++k) mean[k] = (rgb[0][k] + rgb[1][k] + rgb[2][k] + rgb[3][k]) * 0.25f;
  const float luma = luma_of(c, mean[0], mean[1], mean[2]);
  std::uint8_t* blue = frame.planes[1] + row * frame.strides[1] + (frame.interleaved ? 2 * column : column);
  std::uint8_t* red = frame.interleaved ? blue + 1 : frame.planes[2] + row * frame.strides[2] + column;
  *blue = coded_chroma(c, mean[2] - luma, c.cb_scale);
  *red = coded_chroma(c, mean[0] - luma, c.cr_scale);
}

template <typename Stored>
void launch_fill_picture(const FrameView& frame, const PictureTensor& picture, cudaStream_t stream) {
  fill_picture<Stored><<<grid_for(picture.width, picture.height), dim3(kBlockWidth, kBlockHeight), 0, stream>>>(
      device_frame(frame), static_cast<typename Stored::Bits*>(picture.data), picture.width, picture.height);
  check_launch("fill_picture");
}

template <typename Stored>
void launch_fill_frame(const PictureTensor& picture, const FrameView& original, const FrameView& frame,
                       cudaStream_t stream) {
  const auto* in = static_cast<const typename Stored::Bits*>(picture.data);
  const dim3 block(kBlockWidth, kBlockHeight);
  if (is_packed(frame.format)) {
    const bool keep_alpha = has_alpha(frame.format) && has_alpha(original.format);
    fill_packed<Stored><<<grid_for(frame.width, frame.height), block, 0, stream>>>(
        in, picture.width, keep_alpha ? original.planes[0] : nullptr, original.strides[0], device_frame(frame));
  } else {
    fill_planar<Stored><<<grid_for((frame.width + 1) / 2, (frame.height + 1) / 2), block, 0, stream>>>(
        in, picture.width, device_frame(frame));
  }
  check_launch("fill_frame");
}

}  // namespace

void frame_to_picture_cuda(const FrameView& frame, const PictureTensor& picture, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (picture.element) {
    case Element::kF32:
      return launch_fill_picture<StoredF32>(frame, picture, queue);
    case Element::kF16:
      return launch_fill_picture<StoredF16>(frame, picture, queue);
    case Element::kBf16:
      return launch_fill_picture<StoredBf16>(frame, picture, queue);
  }
}

void picture_to_frame_cuda(const PictureTensor& picture, const FrameView& original, const FrameView& frame,
                           void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (picture.element) {
    case Element::kF32:
      return launch_fill_frame<StoredF32>(picture, original, frame, queue);
    case Element::kF16:
      return launch_fill_frame<StoredF16>(picture, original, frame, queue);
    case Element::kBf16:
      return launch_fill_frame<StoredBf16>(picture, original, frame, queue);
  }
}

}  // namespace liveedit::kernels
