// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/rvm_layers.h"

#include <algorithm>

#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/rvm_math.cuh"

namespace liveedit::kernels {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kPartPixels = 1024;  // of the pictures whose means are taken
constexpr std::int64_t kMostParts = 16;

__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// One thread makes 8 channels of kRun pixels of a row, `dilation` apart, so that what they share is read once.
// Stride 2 has no dilation. What is outside of the picture is read as zeros, without a branch: so all of a row's reads
// are on their way at once.
template <int kKernel, int kStride, int kRun>
__global__ void depthwise(const RvmDepthwise w, const uint4* __restrict__ in, const uint4* __restrict__ weight,
                          uint4* __restrict__ out, int groups, int runs, std::int64_t count) {
  constexpr int kReach = kStride * (kRun - 1) + kKernel;
  const std::int64_t i = thread_index();
  if (i >= count) return;
  const int group = static_cast<int>(i % groups);
  const int run = static_cast<int>(i / groups % runs);
  const int out_y = static_cast<int>(i / groups / runs);
  const int first_x = run / w.dilation * kRun * w.dilation + run % w.dilation;
  const int top = out_y * kStride - w.padding;
  const int left = first_x * kStride - w.padding;
  float sums[kRun][8];
#pragma unroll
  for (int j = 0; j < kRun; ++j) {
#pragma unroll
    for (int k = 0; k < 8; ++k) sums[j][k] = w.bias[8 * group + k];
  }
#pragma unroll 2
  for (int ky = 0; ky < kKernel; ++ky) {
    const int y = top + ky * w.dilation;
    const bool in_picture = static_cast<unsigned>(y) < static_cast<unsigned>(w.height);
    const uint4* row = in + static_cast<std::int64_t>(in_picture ? y : 0) * w.width * groups + group;
    uint4 taps[kKernel];
#pragma unroll
    for (int kx = 0; kx < kKernel; ++kx) taps[kx] = weight[(ky * kKernel + kx) * groups + group];
    uint4 line[kReach];
#pragma unroll
    for (int place = 0; place < kReach; ++place) {
      const int x = left + place * w.dilation;
      const bool there = in_picture && static_cast<unsigned>(x) < static_cast<unsigned>(w.width);
      line[place] = there ? row[static_cast<std::int64_t>(x) * groups] : uint4{0, 0, 0, 0};
    }
#pragma unroll
    for (int place = 0; place < kReach; ++place) {
      float values[8];
      rvm_unpack(line[place], values);
#pragma unroll
      for (int j = 0; j < kRun; ++j) {
        const int kx = place - kStride * j;
        if (kx < 0 || kx >= kKernel) continue;
        float factors[8];
        rvm_unpack(taps[kx], factors);
#pragma unroll
        for (int k = 0; k < 8; ++k) sums[j][k] += values[k] * factors[k];
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kRun; ++j) {
    const int x = first_x + j * w.dilation;
    if (x >= w.out_width) continue;
#pragma unroll
    for (int k = 0; k < 8; ++k) sums[j][k] = rvm_activate(w.activation, sums[j][k]);
    out[(static_cast<std::int64_t>(out_y) * w.out_width + x) * groups + group] = rvm_pack(sums[j]);
  }
}

template <int kKernel, int kStride, int kRun>
void launch_depthwise(const RvmDepthwise& work, cudaStream_t stream) {
  constexpr unsigned kBlock = 128;
  const int groups = work.channels / 8;
  const int step = kRun * work.dilation;
  const int runs = (work.out_width + step - 1) / step * work.dilation;
  const std::int64_t count = static_cast<std::int64_t>(work.out_height) * runs * groups;
  depthwise<kKernel, kStride, kRun><<<blocks_for(static_cast<std::uint64_t>(count), kBlock), kBlock, 0, stream>>>(
      work, static_cast<const uint4*>(work.in), static_cast<const uint4*>(work.weight), static_cast<uint4*>(work.out),
      groups, runs, count);
}

// Long runs read less; short ones give a large GPU more to do at once.
template <int kKernel, int kStride>
void launch_depthwise(const RvmDepthwise& work, cudaStream_t stream) {
  constexpr std::int64_t kEnough = 132 * 1024;  // threads
  const std::int64_t pixels = static_cast<std::int64_t>(work.out_height) * work.out_width * (work.channels / 8);
  if (pixels / 4 >= kEnough) return launch_depthwise<kKernel, kStride, 4>(work, stream);
  if (pixels / 2 >= kEnough) return launch_depthwise<kKernel, kStride, 2>(work, stream);
  return launch_depthwise<kKernel, kStride, 1>(work, stream);
}

// A block sums two groups (16 channels) of one part of the pixels: 128 pixels at a time.
__global__ void channel_means(const uint4* __restrict__ x, std::int64_t pixels, int groups, float* means) {
  __shared__ float sums[kThreads][8];
  const int group = static_cast<int>(blockIdx.x) * 2 + static_cast<int>(threadIdx.x % 2);
  const std::int64_t begin = pixels * blockIdx.y / gridDim.y;
  const std::int64_t end = pixels * (blockIdx.y + 1) / gridDim.y;
  float own[8] = {};
  if (group < groups) {
    for (std::int64_t pixel = begin + threadIdx.x / 2; pixel < end; pixel += kThreads / 2) {
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
  float* own_means = means + 8 * (static_cast<std::int64_t>(blockIdx.y) * groups + group);
#pragma unroll
  for (int k = 0; k < 8; ++k) own_means[k] = sums[threadIdx.x][k] / static_cast<float>(pixels);
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
    for (int k = 0; k < 8; ++k) {
      float in = w.in[8 * group + k];
      for (int part = 1; part < w.in_parts; ++part) in += w.in[part * w.columns + 8 * group + k];
      sum += factors[k] * in;
    }
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  if (lane == 0) w.out[row] = rvm_activate(w.activation, sum + w.bias[row]);
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

constexpr int kPyramidSide = 16;  // pixels of the quarter that a block makes

// A thread makes one pixel of the quarter picture and those of the half that lie in it; every fourth of the threads
// then one of the eighth.
__global__ void pyramid(const float* __restrict__ picture, int height, int width, float* half, float* quarter,
                        float* eighth) {
  __shared__ float3 made[kPyramidSide][kPyramidSide];
  const int across = static_cast<int>(threadIdx.x);
  const int down = static_cast<int>(threadIdx.y);
  const int x = static_cast<int>(blockIdx.x) * kPyramidSide + across;
  const int y = static_cast<int>(blockIdx.y) * kPyramidSide + down;
  const int widths[4] = {width, (width + 1) / 2, (width + 3) / 4, (width + 7) / 8};
  const int heights[4] = {height, (height + 1) / 2, (height + 3) / 4, (height + 7) / 8};
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
  if (x < widths[2] && y < heights[2]) {
    made[down][across] = mean_of_four(x, y, widths[1], heights[1], of_half);
    put(quarter, widths[2], x, y, made[down][across]);
  }
  __syncthreads();
  if (across % 2 != 0 || down % 2 != 0 || x >= widths[2] || y >= heights[2]) return;
  const auto of_quarter = [&](int px, int py) { return made[py - (y - down)][px - (x - across)]; };
  put(eighth, widths[3], x / 2, y / 2, mean_of_four(x / 2, y / 2, widths[2], heights[2], of_quarter));
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
  const auto queue = static_cast<cudaStream_t>(stream);
  if (work.kernel == 3) {
    work.stride == 1 ? launch_depthwise<3, 1>(work, queue) : launch_depthwise<3, 2>(work, queue);
  } else {
    work.stride == 1 ? launch_depthwise<5, 1>(work, queue) : launch_depthwise<5, 2>(work, queue);
  }
  check_launch("rvm_depthwise");
}

int rvm_mean_parts(std::int64_t pixels) {
  return static_cast<int>(std::clamp<std::int64_t>(pixels / kPartPixels, 1, kMostParts));
}

void rvm_channel_means_cuda(const void* x, std::int64_t pixels, int channels, float* means, void* stream) {
  const int groups = channels / 8;
  const dim3 grid(static_cast<unsigned>((groups + 1) / 2), static_cast<unsigned>(rvm_mean_parts(pixels)));
  channel_means<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(static_cast<const uint4*>(x), pixels, groups,
                                                                          means);
  check_launch("rvm_channel_means");
}

void rvm_dense_cuda(const RvmDense& work, void* stream) {
  constexpr unsigned kDenseThreads = 128;
  dense<<<blocks_for(32 * static_cast<std::uint64_t>(work.rows), kDenseThreads), kDenseThreads, 0,
          static_cast<cudaStream_t>(stream)>>>(work);
  check_launch("rvm_dense");
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
  const dim3 block(kPyramidSide, kPyramidSide);
  const dim3 grid(blocks_for(static_cast<std::uint64_t>((width + 3) / 4), kPyramidSide),
                  blocks_for(static_cast<std::uint64_t>((height + 3) / 4), kPyramidSide));
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
