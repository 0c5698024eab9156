// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/rvm_layers.h"

#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/rvm_math.cuh"

namespace liveedit::kernels {
namespace {

constexpr unsigned kThreads = 256;

__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// One thread makes 8 channels of one pixel.
template <int kKernel>
__global__ void depthwise(const RvmDepthwise w, const uint4* __restrict__ in, const uint4* __restrict__ weight,
                          uint4* __restrict__ out, int groups, std::int64_t count) {
  const std::int64_t i = thread_index();
  if (i >= count) return;
  const int group = static_cast<int>(i % groups);
  const std::int64_t pixel = i / groups;
  const int top = static_cast<int>(pixel / w.out_width) * w.stride - w.padding;
  const int left = static_cast<int>(pixel % w.out_width) * w.stride - w.padding;
  float sums[8];
#pragma unroll
  for (int k = 0; k < 8; ++k) sums[k] = w.bias[8 * group + k];
#pragma unroll
  for (int ky = 0; ky < kKernel; ++ky) {
    const int y = top + ky * w.dilation;
    if (static_cast<unsigned>(y) >= static_cast<unsigned>(w.height)) continue;
#pragma unroll
    for (int kx = 0; kx < kKernel; ++kx) {
      const int x = left + kx * w.dilation;
      if (static_cast<unsigned>(x) >= static_cast<unsigned>(w.width)) continue;
      float values[8];
      float factors[8];
      rvm_unpack(in[static_cast<std::int64_t>(y * w.width + x) * groups + group], values);
      rvm_unpack(weight[(ky * kKernel + kx) * groups + group], factors);
#pragma unroll
      for (int k = 0; k < 8; ++k) sums[k] += values[k] * factors[k];
    }
  }
#pragma unroll
  for (int k = 0; k < 8; ++k) sums[k] = rvm_activate(w.activation, sums[k]);
  out[i] = rvm_pack(sums);
}

// A block sums two groups (16 channels): 128 pixels at a time.
__global__ void channel_means(const uint4* __restrict__ x, std::int64_t pixels, int groups, float* mean) {
  __shared__ float sums[kThreads][8];
  const int group = static_cast<int>(blockIdx.x) * 2 + static_cast<int>(threadIdx.x % 2);
  float own[8] = {};
  if (group < groups) {
    for (std::int64_t pixel = threadIdx.x / 2; pixel < pixels; pixel += kThreads / 2) {
      float values[8];
      rvm_unpack(x[pixel * groups + group], values);
#pragma unroll
      for (int k = 0; k < 8; ++k) own[k] += values[k];
    }
  }
#pragma unroll
  for (int k = 0; k < 8; ++k) sums[threadIdx.x][k] = own[k];
  for (unsigned half = kThreads / 2; half >= 2; half /= 2) {
    __syncthreads();
    if (threadIdx.x >= half) continue;
#pragma unroll
    for (int k = 0; k < 8; ++k) sums[threadIdx.x][k] += sums[threadIdx.x + half][k];
  }
  if (threadIdx.x >= 2 || group >= groups) return;
#pragma unroll
  for (int k = 0; k < 8; ++k) mean[8 * group + k] = sums[threadIdx.x][k] / static_cast<float>(pixels);
}

// A warp makes one value.
__global__ void dense(const RvmDense w) {
  const int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / 32);
  const int lane = static_cast<int>(threadIdx.x % 32);
  if (row >= w.rows) return;
  const auto* weight = static_cast<const uint4*>(w.weight) + static_cast<std::int64_t>(row) * (w.columns / 8);
  float sum = 0;
  for (int group = lane; group < w.columns / 8; group += 32) {
    float factors[8];
    rvm_unpack(weight[group], factors);
#pragma unroll
    for (int k = 0; k < 8; ++k) sum += factors[k] * w.in[8 * group + k];
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  if (lane == 0) w.out[row] = rvm_activate(w.activation, sum + w.bias[row]);
}

__global__ void scale_channels(uint4* x, std::int64_t count, int groups, const float* __restrict__ scale) {
  const std::int64_t i = thread_index();
  if (i >= count) return;
  const int group = static_cast<int>(i % groups);
  float values[8];
  rvm_unpack(x[i], values);
#pragma unroll
  for (int k = 0; k < 8; ++k) values[k] *= scale[8 * group + k];
  x[i] = rvm_pack(values);
}

__global__ void normalise(const float* __restrict__ picture, std::int64_t pixels, float3 mean, float3 gain,
                          uint4* out) {
  const std::int64_t i = thread_index();
  if (i >= pixels) return;
  const float values[8] = {(picture[3 * i] - mean.x) * gain.x, (picture[3 * i + 1] - mean.y) * gain.y,
                           (picture[3 * i + 2] - mean.z) * gain.z};
  out[i] = rvm_pack(values);
}

// The mean of up to 2x2 pixels of a picture that `at` reads.
template <typename Read>
__device__ float3 mean_of_four(int x, int y, int width, int height, Read&& at) {
  float3 sum{0, 0, 0};
  int count = 0;
  for (int i = 0; i < 4; ++i) {
    const int px = 2 * x + i % 2;
    const int py = 2 * y + i / 2;
    if (px >= width || py >= height) continue;
    const float3 value = at(px, py);
    sum.x += value.x;
    sum.y += value.y;
    sum.z += value.z;
    ++count;
  }
  const float share = 1.0f / static_cast<float>(count);
  return {sum.x * share, sum.y * share, sum.z * share};
}

// A thread makes one pixel of the smallest picture, and those of the others that lie in it.
__global__ void pyramid(const float* __restrict__ picture, int height, int width, float* half, float* quarter,
                        float* eighth) {
  const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  const int widths[4] = {width, (width + 1) / 2, ((width + 1) / 2 + 1) / 2, (((width + 1) / 2 + 1) / 2 + 1) / 2};
  const int heights[4] = {height, (height + 1) / 2, ((height + 1) / 2 + 1) / 2, (((height + 1) / 2 + 1) / 2 + 1) / 2};
  if (x >= widths[3] || y >= heights[3]) return;
  const auto put = [](float* to, int to_width, int px, int py, const float3& value) {
    float* pixel = to + 3 * (static_cast<std::int64_t>(py) * to_width + px);
    pixel[0] = value.x;
    pixel[1] = value.y;
    pixel[2] = value.z;
  };
  const auto read = [&](int px, int py) {
    const float* pixel = picture + 3 * (static_cast<std::int64_t>(py) * width + px);
    return float3{pixel[0], pixel[1], pixel[2]};
  };
  const auto of_half = [&](int px, int py) {
    const float3 value = mean_of_four(px, py, width, height, read);
    put(half, widths[1], px, py, value);
    return value;
  };
  const auto of_quarter = [&](int px, int py) {
    const float3 value = mean_of_four(px, py, widths[1], heights[1], of_half);
    put(quarter, widths[2], px, py, value);
    return value;
  };
  put(eighth, widths[3], x, y, mean_of_four(x, y, widths[2], heights[2], of_quarter));
}

__device__ inline const uint4* group_of(const RvmConv::Source& source, std::int64_t pixel, int group) {
  return reinterpret_cast<const uint4*>(static_cast<const __half*>(source.data) + pixel * source.pixel_stride) + group;
}

// One thread makes 8 channels of one pixel.
__global__ void join(const RvmJoin j, int groups, std::int64_t count) {
  const std::int64_t i = thread_index();
  if (i >= count) return;
  int group = static_cast<int>(i % groups);
  const std::int64_t pixel = i / groups;
  auto* out = static_cast<uint4*>(j.out) + i;
  const int low_groups = (j.still.channels + j.state.channels) / 8;
  if (group >= low_groups) {
    group -= low_groups;
    if (group < j.feature_channels / 8) {
      *out = static_cast<const uint4*>(j.features)[pixel * (j.feature_channels / 8) + group];
    } else {
      const float values[8] = {j.picture[3 * pixel], j.picture[3 * pixel + 1], j.picture[3 * pixel + 2]};
      *out = rvm_pack(values);
    }
    return;
  }
  const bool still = group < j.still.channels / 8;
  const RvmConv::Source& source = still ? j.still : j.state;
  if (!still) group -= j.still.channels / 8;
  const float y = fmaxf((static_cast<float>(pixel / j.width) + 0.5f) * 0.5f - 0.5f, 0.0f);
  const float x = fmaxf((static_cast<float>(pixel % j.width) + 0.5f) * 0.5f - 0.5f, 0.0f);
  const int y0 = min(static_cast<int>(y), j.low_height - 1);
  const int x0 = min(static_cast<int>(x), j.low_width - 1);
  const int y1 = min(y0 + 1, j.low_height - 1);
  const int x1 = min(x0 + 1, j.low_width - 1);
  const float fy = y - static_cast<float>(y0);
  const float fx = x - static_cast<float>(x0);
  float corners[4][8];
  rvm_unpack(*group_of(source, static_cast<std::int64_t>(y0) * j.low_width + x0, group), corners[0]);
  rvm_unpack(*group_of(source, static_cast<std::int64_t>(y0) * j.low_width + x1, group), corners[1]);
  rvm_unpack(*group_of(source, static_cast<std::int64_t>(y1) * j.low_width + x0, group), corners[2]);
  rvm_unpack(*group_of(source, static_cast<std::int64_t>(y1) * j.low_width + x1, group), corners[3]);
  float values[8];
#pragma unroll
  for (int k = 0; k < 8; ++k) {
    const float upper = corners[0][k] + fx * (corners[1][k] - corners[0][k]);
    const float lower = corners[2][k] + fx * (corners[3][k] - corners[2][k]);
    values[k] = upper + fy * (lower - upper);
  }
  *out = rvm_pack(values);
}

}  // namespace

void rvm_depthwise_cuda(const RvmDepthwise& work, void* stream) {
  const int groups = work.channels / 8;
  const std::int64_t count = static_cast<std::int64_t>(work.out_height) * work.out_width * groups;
  const unsigned blocks = blocks_for(static_cast<std::uint64_t>(count), kThreads);
  const auto queue = static_cast<cudaStream_t>(stream);
  const auto* in = static_cast<const uint4*>(work.in);
  const auto* weight = static_cast<const uint4*>(work.weight);
  auto* out = static_cast<uint4*>(work.out);
  if (work.kernel == 3) {
    depthwise<3><<<blocks, kThreads, 0, queue>>>(work, in, weight, out, groups, count);
  } else {
    depthwise<5><<<blocks, kThreads, 0, queue>>>(work, in, weight, out, groups, count);
  }
  check_launch("rvm_depthwise");
}

void rvm_channel_means_cuda(const void* x, std::int64_t pixels, int channels, float* mean, void* stream) {
  const int groups = channels / 8;
  channel_means<<<static_cast<unsigned>((groups + 1) / 2), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const uint4*>(x), pixels, groups, mean);
  check_launch("rvm_channel_means");
}

void rvm_dense_cuda(const RvmDense& work, void* stream) {
  constexpr unsigned kDenseThreads = 128;
  dense<<<blocks_for(32 * static_cast<std::uint64_t>(work.rows), kDenseThreads), kDenseThreads, 0,
          static_cast<cudaStream_t>(stream)>>>(work);
  check_launch("rvm_dense");
}

void rvm_scale_channels_cuda(void* x, std::int64_t pixels, int channels, const float* scale, void* stream) {
  const int groups = channels / 8;
  const std::int64_t count = pixels * groups;
  scale_channels<<<blocks_for(static_cast<std::uint64_t>(count), kThreads), kThreads, 0,
                   static_cast<cudaStream_t>(stream)>>>(static_cast<uint4*>(x), count, groups, scale);
  check_launch("rvm_scale_channels");
}

void rvm_normalise_cuda(const float* picture, std::int64_t pixels, const float mean[3], const float deviation[3],
                        void* out, void* stream) {
  normalise<<<blocks_for(static_cast<std::uint64_t>(pixels), kThreads), kThreads, 0,
              static_cast<cudaStream_t>(stream)>>>(picture, pixels, float3{mean[0], mean[1], mean[2]},
                                                   float3{1 / deviation[0], 1 / deviation[1], 1 / deviation[2]},
                                                   static_cast<uint4*>(out));
  check_launch("rvm_normalise");
}

void rvm_pyramid_cuda(const float* picture, int height, int width, float* half, float* quarter, float* eighth,
                      void* stream) {
  const dim3 block(16, 8);
  const dim3 grid(blocks_for(static_cast<std::uint64_t>((width + 7) / 8), block.x),
                  blocks_for(static_cast<std::uint64_t>((height + 7) / 8), block.y));
  pyramid<<<grid, block, 0, static_cast<cudaStream_t>(stream)>>>(picture, height, width, half, quarter, eighth);
  check_launch("rvm_pyramid");
}

void rvm_join_cuda(const RvmJoin& work, void* stream) {
  const int groups = (work.still.channels + work.state.channels + work.feature_channels) / 8 + 1;
  const std::int64_t count = static_cast<std::int64_t>(work.height) * work.width * groups;
  join<<<blocks_for(static_cast<std::uint64_t>(count), kThreads), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      work, groups, count);
  check_launch("rvm_join");
}

}  // namespace liveedit::kernels
