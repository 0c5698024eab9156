// SPDX-License-Identifier: LGPL-2.1-or-later
// The blurs of cpu/soft_picture.cpp.
#include <cmath>

#include "core/kernels/cuda/bilinear.cuh"
#include "core/kernels/cuda/device_frame.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/pixel_grid.cuh"
#include "core/kernels/matte.h"

namespace liveedit::kernels {
namespace {

constexpr float kLeastWeight = 1.0f / 256.0f;

__global__ void threshold_values(const std::uint16_t* from, std::uint16_t* to, std::uint64_t count, float low,
                                 float gain) {
  const std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  to[i] = static_cast<std::uint16_t>(fmaxf((static_cast<float>(from[i]) - low) * gain, 0.0f) + 0.5f);
}

__global__ void shrink_values(const std::uint16_t* alpha, int height, int width, SmallPicture small) {
  const int x = column();
  const int y = line();
  if (x >= small.width || y >= small.height) return;
  const int end_x = min(width, (x + 1) * small.factor);
  const int end_y = min(height, (y + 1) * small.factor);
  float sum = 0;
  int count = 0;
  for (int i = y * small.factor; i < end_y; ++i) {
    for (int j = x * small.factor; j < end_x; ++j, ++count) {
      sum += static_cast<float>(alpha[static_cast<std::int64_t>(i) * width + j]) * (1.0f / 65535.0f);
    }
  }
  small.data[static_cast<std::int64_t>(y) * small.width + x] = sum / static_cast<float>(count);
}

__global__ void shrink_frame(DeviceFrame frame, const std::uint16_t* alpha, SmallPicture small) {
  const int x = column();
  const int y = line();
  if (x >= small.width || y >= small.height) return;
  const int end_x = min(frame.width, (x + 1) * small.factor);
  const int end_y = min(frame.height, (y + 1) * small.factor);
  float4 sum{0, 0, 0, 0};
  int count = 0;
  for (int i = y * small.factor; i < end_y; ++i) {
    for (int j = x * small.factor; j < end_x; ++j, ++count) {
      const float front = static_cast<float>(alpha[static_cast<std::int64_t>(i) * frame.width + j]) * (1.0f / 65535.0f);
      const float weight = fmaxf(1.0f - front, kLeastWeight);
      float rgb[3];
      read_rgb(frame, j, i, rgb);
      sum.x += weight * rgb[0];
      sum.y += weight * rgb[1];
      sum.z += weight * rgb[2];
      sum.w += weight;
    }
  }
  const float share = 1.0f / static_cast<float>(count);
  reinterpret_cast<float4*>(small.data)[static_cast<std::int64_t>(y) * small.width + x] =
      float4{sum.x * share, sum.y * share, sum.z * share, sum.w * share};
}

// One direction; a thread makes one value of one channel.
template <bool kAcross>
__global__ void blur_values(SmallPicture from, SmallPicture to, float deviation, int radius, float gain) {
  const int i = column();
  const int y = line();
  if (i >= from.width * from.channels || y >= from.height) return;
  const int x = i / from.channels;
  const int channel = i % from.channels;
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    const int px = kAcross ? min(max(x + k, 0), from.width - 1) : x;
    const int py = kAcross ? y : min(max(y + k, 0), from.height - 1);
    const float weight = gain * expf(-0.5f * static_cast<float>(k * k) / (deviation * deviation));
    sum += weight * from.data[(static_cast<std::int64_t>(py) * from.width + px) * from.channels + channel];
  }
  to.data[static_cast<std::int64_t>(y) * from.width * from.channels + i] = sum;
}

__global__ void divide_values(SmallPicture small) {
  const int x = column();
  const int y = line();
  if (x >= small.width || y >= small.height) return;
  float4& value = reinterpret_cast<float4*>(small.data)[static_cast<std::int64_t>(y) * small.width + x];
  value = float4{value.x / value.w, value.y / value.w, value.z / value.w, value.w};
}

__global__ void enlarge_values(SmallPicture small, int height, int width, std::uint16_t* alpha) {
  const int x = column();
  const int y = line();
  if (x >= width || y >= height) return;
  const float step = 1.0f / static_cast<float>(small.factor);
  const DevicePoint across = device_point_f(x, step, small.width);
  const DevicePoint down = device_point_f(y, step, small.height);
  const float* upper = small.data + static_cast<std::int64_t>(down.low) * small.width;
  const float* lower = small.data + static_cast<std::int64_t>(down.high) * small.width;
  const float left = upper[across.low] + down.fraction * (lower[across.low] - upper[across.low]);
  const float right = upper[across.high] + down.fraction * (lower[across.high] - upper[across.high]);
  const float value = left + across.fraction * (right - left);
  alpha[static_cast<std::int64_t>(y) * width + x] =
      static_cast<std::uint16_t>(fminf(fmaxf(value, 0.0f), 1.0f) * 65535.0f + 0.5f);
}

}  // namespace

void threshold_alpha_cuda(const std::uint16_t* from, std::uint16_t* to, std::uint64_t count, float threshold,
                          void* stream) {
  threshold_values<<<blocks_for(count, 256), 256, 0, static_cast<cudaStream_t>(stream)>>>(
      from, to, count, threshold * 65535.0f, threshold < 1.0f ? 1.0f / (1.0f - threshold) : 0.0f);
  check_launch("threshold_values");
}

void shrink_alpha_cuda(const std::uint16_t* alpha, int height, int width, const SmallPicture& small, void* stream) {
  shrink_values<<<grid_for(small.width, small.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(alpha, height,
                                                                                                       width, small);
  check_launch("shrink_values");
}

void shrink_background_cuda(const FrameView& frame, const std::uint16_t* alpha, const SmallPicture& small,
                            void* stream) {
  shrink_frame<<<grid_for(small.width, small.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      device_frame(frame), alpha, small);
  check_launch("shrink_frame");
}

void blur_cuda(const SmallPicture& picture, const SmallPicture& other, float deviation, void* stream) {
  const int radius = static_cast<int>(std::ceil(3 * deviation));
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    sum += std::exp(-0.5f * static_cast<float>(k * k) / (deviation * deviation));
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  const dim3 grid = grid_for(picture.width * picture.channels, picture.height);
  blur_values<false><<<grid, kBlock, 0, queue>>>(picture, other, deviation, radius, 1 / sum);
  blur_values<true><<<grid, kBlock, 0, queue>>>(other, picture, deviation, radius, 1 / sum);
  check_launch("blur_values");
}

void divide_by_weight_cuda(const SmallPicture& small, void* stream) {
  divide_values<<<grid_for(small.width, small.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(small);
  check_launch("divide_values");
}

void enlarge_alpha_cuda(const SmallPicture& small, int height, int width, std::uint16_t* alpha, void* stream) {
  enlarge_values<<<grid_for(width, height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(small, height, width,
                                                                                            alpha);
  check_launch("enlarge_values");
}

}  // namespace liveedit::kernels
