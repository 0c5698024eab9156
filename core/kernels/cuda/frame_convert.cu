// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/frame_convert.h"

#include "core/kernels/cuda/device_frame.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/pixel_grid.cuh"
#include "core/kernels/frame_layout.h"
#include "core/kernels/matte_bounds.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {
namespace {

template <typename Stored>
__global__ void fill_picture(DeviceFrame frame, typename Stored::Bits* picture, int width, int height) {
  const int x = column();
  const int y = line();
  if (x >= width || y >= height) return;
  const int from_x = min(x, frame.width - 1);
  const int from_y = min(y, frame.height - 1);
  float rgb[3];
  read_rgb(frame, from_x, from_y, rgb);
  typename Stored::Bits* out = picture + 3 * (static_cast<std::size_t>(y) * width + x);
  for (int c = 0; c < 3; ++c) out[c] = Stored::store(to_signed_unit(rgb[c]));
}

template <typename Stored>
__device__ void load_rgb(const typename Stored::Bits* picture, int picture_width, int x, int y, float rgb[3]) {
  const typename Stored::Bits* in = picture + 3 * (static_cast<std::size_t>(y) * picture_width + x);
  for (int c = 0; c < 3; ++c) rgb[c] = clamp_byte(to_byte_range(Stored::load(in[c])));
}

// `original` is the original's first plane where alpha comes from there, else null.
template <typename Stored>
__global__ void fill_packed(const typename Stored::Bits* picture, int picture_width, const std::uint8_t* original,
                            std::ptrdiff_t original_stride, Blend blend, DeviceFrame frame) {
  const int x = column();
  const int y = line();
  if (x >= frame.width || y >= frame.height) return;
  float rgb[3];
  load_rgb<Stored>(picture, picture_width, x, y, rgb);
  std::uint8_t* pixel = frame.planes[0] + y * frame.strides[0] + frame.order.pixel_bytes * x;
  pixel[frame.order.red] = round_byte(rgb[0]);
  pixel[frame.order.green] = round_byte(rgb[1]);
  pixel[frame.order.blue] = round_byte(rgb[2]);
  if (frame.order.pixel_bytes != 4) return;
  const std::uint8_t* from = original == nullptr ? nullptr : original + y * original_stride + 4 * x;
  pixel[3] = from == nullptr ? 255 : from[3];
  if (blend == Blend::kNone) return;
  const int weight = edit_weight(blend, from[3]);
  for (int c = 0; c < 3; ++c) pixel[c] = blend_byte(pixel[c], from[c], weight);
}

__global__ void find_reach(const std::uint8_t* pixels, std::ptrdiff_t stride, int width, int height, Blend blend,
                           int least, std::int32_t* reach) {
  const int x = column();
  const int y = line();
  const bool seen = x < width && y < height && edit_weight(blend, pixels[y * stride + 4 * x + 3]) > least;
  // A warp is a row of the block.
  const unsigned row = __ballot_sync(0xffffffffu, seen);
  if (threadIdx.x != 0 || row == 0) return;
  const int first = x + __ffs(static_cast<int>(row)) - 1;
  const int last = x + 31 - __clz(static_cast<int>(row));
  atomicMax(&reach[0], width - first);
  atomicMax(&reach[1], height - y);
  atomicMax(&reach[2], last + 1);
  atomicMax(&reach[3], y + 1);
}

// One thread writes 2x2 luma samples and the chroma sample that they share.
template <typename Stored>
__global__ void fill_planar(const typename Stored::Bits* picture, int picture_width, DeviceFrame frame) {
  const int half_x = column();
  const int half_y = line();
  if (2 * half_x >= frame.width || 2 * half_y >= frame.height) return;
  const int xs[2] = {2 * half_x, min(2 * half_x + 1, frame.width - 1)};
  const int ys[2] = {2 * half_y, min(2 * half_y + 1, frame.height - 1)};
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
  std::uint8_t* blue = frame.planes[1] + half_y * frame.strides[1] + (frame.interleaved ? 2 * half_x : half_x);
  std::uint8_t* red = frame.interleaved ? blue + 1 : frame.planes[2] + half_y * frame.strides[2] + half_x;
  *blue = coded_chroma(c, mean[2] - luma, c.cb_scale);
  *red = coded_chroma(c, mean[0] - luma, c.cr_scale);
}

template <typename Stored>
void launch_fill_picture(const FrameView& frame, const PictureTensor& picture, cudaStream_t stream) {
  fill_picture<Stored><<<grid_for(picture.width, picture.height), kBlock, 0, stream>>>(
      device_frame(frame), static_cast<typename Stored::Bits*>(picture.data), picture.width, picture.height);
  check_launch("fill_picture");
}

template <typename Stored>
void launch_fill_frame(const PictureTensor& picture, const FrameView& original, const FrameView& frame, Blend blend,
                       cudaStream_t stream) {
  const auto* in = static_cast<const typename Stored::Bits*>(picture.data);
  if (is_packed(frame.format)) {
    const bool keep_alpha = has_alpha(frame.format) && has_alpha(original.format);
    fill_packed<Stored><<<grid_for(frame.width, frame.height), kBlock, 0, stream>>>(
        in, picture.width, keep_alpha ? original.planes[0] : nullptr, original.strides[0], blend, device_frame(frame));
  } else {
    fill_planar<Stored><<<grid_for((frame.width + 1) / 2, (frame.height + 1) / 2), kBlock, 0, stream>>>(
        in, picture.width, device_frame(frame));
  }
  check_launch("fill_frame");
}

}  // namespace

void frame_to_picture_cuda(const FrameView& frame, const PictureTensor& picture, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_stored(picture.element, [&]<typename Stored>(Stored) { launch_fill_picture<Stored>(frame, picture, queue); });
}

void picture_to_frame_cuda(const PictureTensor& picture, const FrameView& original, const FrameView& frame, Blend blend,
                           void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_stored(picture.element,
            [&]<typename Stored>(Stored) { launch_fill_frame<Stored>(picture, original, frame, blend, queue); });
}

void matte_bounds_cuda(const FrameView& frame, Blend blend, int least, std::int32_t reach[4], void* stream) {
  find_reach<<<grid_for(frame.width, frame.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      frame.planes[0], frame.strides[0], frame.width, frame.height, blend, least, reach);
  check_launch("find_reach");
}

}  // namespace liveedit::kernels
