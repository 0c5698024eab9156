// SPDX-License-Identifier: LGPL-2.1-or-later
// The last layer and the guided filter: few numbers a pixel and all of them delicate (variances are differences), so in
// fp32, in one kernel.
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/rvm_math.cuh"
#include "core/kernels/rvm_layers.h"

namespace liveedit::kernels {
namespace {

constexpr int kTile = 16;
constexpr int kWide = kTile + 2;  // with the windows' edge
constexpr int kHidden = 16;
constexpr float kFastEps = 1e-5f;

__device__ inline void read_hidden(const RvmField& f, int x, int y, float (&hidden)[kHidden]) {
  const auto* groups = static_cast<const uint4*>(f.hidden) + 2 * (static_cast<std::int64_t>(y) * f.width + x);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    float values[8];
    rvm_unpack(groups[i], values);
#pragma unroll
    for (int k = 0; k < 8; ++k) hidden[8 * i + k] = values[k];
  }
}

__device__ inline float4 project(const RvmField& f, const float (&hidden)[kHidden]) {
  float matte[4];
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    matte[c] = f.project_bias[c];
#pragma unroll
    for (int k = 0; k < kHidden; ++k) matte[c] += f.project_weight[kHidden * c + k] * hidden[k];
  }
  return {matte[0], matte[1], matte[2], matte[3]};
}

template <int kRows, int kColumns, bool kRelu>
__device__ inline void layer(const float* __restrict__ weight, const float* __restrict__ bias,
                             const float (&in)[kColumns], float (&out)[kRows]) {
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    float sum = bias[row];
#pragma unroll
    for (int k = 0; k < kColumns; ++k) sum += weight[row * kColumns + k] * in[k];
    out[row] = kRelu && sum < 0.0f ? 0.0f : sum;
  }
}

__global__ void plain_field(const RvmField f) {
  const int x = static_cast<int>(blockIdx.x) * kTile + static_cast<int>(threadIdx.x);
  const int y = static_cast<int>(blockIdx.y) * kTile + static_cast<int>(threadIdx.y);
  if (x >= f.width || y >= f.height) return;
  float hidden[kHidden];
  read_hidden(f, x, y, hidden);
  reinterpret_cast<float4*>(f.b)[static_cast<std::int64_t>(y) * f.width + x] = project(f, hidden);
}

// The guide (R, G, B and their mean) and the matte of a tile with its windows' edge; zeros outside of the picture.
struct Tile {
  float guide[4][kWide * kWide];
  float matte[4][kWide * kWide];
};

__device__ inline void fill_pixel(const RvmField& f, int x, int y, int i, Tile& tile) {
  float4 matte{0, 0, 0, 0};
  float rgb[3] = {0, 0, 0};
  if (x >= 0 && y >= 0 && x < f.width && y < f.height) {
    float hidden[kHidden];
    read_hidden(f, x, y, hidden);
    matte = project(f, hidden);
    const float* pixel = f.picture + 3 * (static_cast<std::int64_t>(y) * f.width + x);
    for (int c = 0; c < 3; ++c) rgb[c] = pixel[c];
  }
  for (int c = 0; c < 3; ++c) tile.guide[c][i] = rgb[c];
  tile.guide[3][i] = (rgb[0] + rgb[1] + rgb[2]) * (1.0f / 3.0f);
  tile.matte[0][i] = matte.x;
  tile.matte[1][i] = matte.y;
  tile.matte[2][i] = matte.z;
  tile.matte[3][i] = matte.w;
}

// Means over the 3x3 window whose first pixel is `first`: guide, matte, guide * matte, guide * guide of a channel.
__device__ inline float4 window_means(const RvmField& f, const Tile& tile, int c, int first) {
  float4 sums{0, 0, 0, 0};
#pragma unroll
  for (int k = 0; k < 9; ++k) {
    const int i = first + k / 3 * kWide + k % 3;
    const float share = f.box != nullptr ? f.box[9 * c + k] : 1.0f / 9.0f;
    const float guide = tile.guide[c][i];
    const float matte = tile.matte[c][i];
    sums.x += share * guide;
    sums.y += share * matte;
    sums.z += share * guide * matte;
    sums.w += share * guide * guide;
  }
  return sums;
}

__global__ void refined_field(const RvmField f) {
  __shared__ Tile tile;
  const int left = static_cast<int>(blockIdx.x) * kTile - 1;
  const int top = static_cast<int>(blockIdx.y) * kTile - 1;
  const int thread = static_cast<int>(threadIdx.y) * kTile + static_cast<int>(threadIdx.x);
  for (int i = thread; i < kWide * kWide; i += kTile * kTile) {
    fill_pixel(f, left + i % kWide, top + i / kWide, i, tile);
  }
  __syncthreads();
  const int x = left + 1 + static_cast<int>(threadIdx.x);
  const int y = top + 1 + static_cast<int>(threadIdx.y);
  if (x >= f.width || y >= f.height) return;
  float4 means[4];
  float in[8 + kHidden];  // covariances, variances, hidden
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    means[c] = window_means(f, tile, c, static_cast<int>(threadIdx.y) * kWide + static_cast<int>(threadIdx.x));
    in[c] = means[c].z - means[c].x * means[c].y;
    in[4 + c] = means[c].w - means[c].x * means[c].x;
  }
  float a[4];
  if (f.box != nullptr) {
    float hidden[kHidden];
    read_hidden(f, x, y, hidden);
#pragma unroll
    for (int k = 0; k < kHidden; ++k) in[8 + k] = hidden[k];
    float first[kHidden];
    float second[kHidden];
    layer<kHidden, 8 + kHidden, true>(f.weight0, f.bias0, in, first);
    layer<kHidden, kHidden, true>(f.weight1, f.bias1, first, second);
    layer<4, kHidden, false>(f.weight2, f.bias2, second, a);
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c) a[c] = in[c] / (in[4 + c] + kFastEps);
  }
  const std::int64_t pixel = static_cast<std::int64_t>(y) * f.width + x;
  reinterpret_cast<float4*>(f.a)[pixel] = float4{a[0], a[1], a[2], a[3]};
  reinterpret_cast<float4*>(f.b)[pixel] = float4{means[0].y - a[0] * means[0].x, means[1].y - a[1] * means[1].x,
                                                 means[2].y - a[2] * means[2].x, means[3].y - a[3] * means[3].x};
}

}  // namespace

void rvm_field_cuda(const RvmField& field, void* stream) {
  const dim3 grid(blocks_for(static_cast<std::uint64_t>(field.width), kTile),
                  blocks_for(static_cast<std::uint64_t>(field.height), kTile));
  const auto queue = static_cast<cudaStream_t>(stream);
  if (field.refine) {
    refined_field<<<grid, dim3(kTile, kTile), 0, queue>>>(field);
  } else {
    plain_field<<<grid, dim3(kTile, kTile), 0, queue>>>(field);
  }
  check_launch("rvm_field");
}

}  // namespace liveedit::kernels
