// SPDX-License-Identifier: LGPL-2.1-or-later
// What the convolutions of Robust Video Matting have in common: matrix products on the tensor cores, and what follows.
#pragma once

#include <cuda_fp16.h>

#include "core/kernels/cuda/rvm_math.cuh"
#include "core/kernels/rvm_layers.h"

namespace liveedit::kernels {

// RvmConv as a kernel wants it: channels in groups of 8 (16 bytes).
struct ConvWork {
  const __half* a;
  const __half* b;
  int a_groups;
  int all_groups;  // of one kernel place
  int a_stride;
  int b_stride;
  int height;
  int width;
  int out_height;
  int out_width;
  int kernel;
  int stride;
  int dilation;
  int padding;
  int pixels;      // that come out
  int sum_groups;  // kernel places * all_groups
  const __half* weight;
  const float* in_scale;
  const float* bias;
  int channels;
  RvmActivation activation;
  const __half* residual;
  const float* scale;
  __half* out;
  __half* state;
  __half* update;
};

// Pixels are read again for each place of the kernel: through the first cache. Where not valid: zeros.
__device__ inline void fetch_pixels(void* shared, const void* global, bool valid) {
  const auto place = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;\n" ::"r"(place), "l"(global), "r"(valid ? 16 : 0));
}

__device__ inline void fetch_weights(void* shared, const void* global, bool valid) {
  const auto place = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(place), "l"(global), "r"(valid ? 16 : 0));
}

__device__ inline void load_matrices(unsigned (&to)[4], const __half* shared) {
  const auto place = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(place));
}

// sum [16 pixels, 8 channels] += a [16, 16] * b [16, 8].
__device__ inline void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline void read_floats(const float* from, float (&values)[8]) {
  const float4 low = *reinterpret_cast<const float4*>(from);
  const float4 high = *reinterpret_cast<const float4*>(from + 4);
  values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
  values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
}

__device__ inline void read_halves(const __half* from, float (&values)[8]) {
  rvm_unpack(*reinterpret_cast<const uint4*>(from), values);
}

__device__ inline void write_halves(__half* to, const float (&values)[8]) {
  *reinterpret_cast<uint4*>(to) = rvm_pack(values);
}

// What follows the sums of 8 neighbouring channels of one pixel.
template <RvmConv::Gru kGru>
__device__ inline void finish(const ConvWork& w, int pixel, int channel, float (&v)[8]) {
  float more[8];
  read_floats(w.bias + channel, more);
#pragma unroll
  for (int k = 0; k < 8; ++k) v[k] += more[k];
  if constexpr (kGru == RvmConv::Gru::kNone) {
    const std::int64_t place = static_cast<std::int64_t>(pixel) * w.channels + channel;
    if (w.residual != nullptr) {
      read_halves(w.residual + place, more);
#pragma unroll
      for (int k = 0; k < 8; ++k) v[k] += more[k];
    }
#pragma unroll
    for (int k = 0; k < 8; ++k) v[k] = rvm_activate(w.activation, v[k]);
    if (w.scale != nullptr) {
      read_floats(w.scale + channel, more);
#pragma unroll
      for (int k = 0; k < 8; ++k) v[k] *= more[k];
    }
    write_halves(w.out + place, v);
  } else if constexpr (kGru == RvmConv::Gru::kGates) {
    const int half = w.channels / 2;
    const bool resets = channel < half;
    const std::int64_t place = static_cast<std::int64_t>(pixel) * half + (resets ? channel : channel - half);
    if (resets) read_halves(w.state + place, more);
#pragma unroll
    for (int k = 0; k < 8; ++k) v[k] = rvm_sigmoid(v[k]) * (resets ? more[k] : 1.0f);
    write_halves((resets ? w.out : w.update) + place, v);
  } else {
    const std::int64_t place = static_cast<std::int64_t>(pixel) * w.channels + channel;
    float state[8];
    read_halves(w.state + place, state);
    read_halves(w.update + place, more);
#pragma unroll
    for (int k = 0; k < 8; ++k) v[k] = state[k] + more[k] * (rvm_tanh(v[k]) - state[k]);
    write_halves(w.state + place, v);
  }
}

// Where a block's sums meet before they are finished, in shared memory: [splits, pixels, channels], rows padded. The
// warps of one split hold all pixels; the splits are parts of the summed index.
template <int kPixels, int kChannels, int kSplits>
struct SumBoard {
  static constexpr int kRow = kChannels + 4;
  static constexpr int kBytes = kSplits * kPixels * kRow * static_cast<int>(sizeof(float));

  // A warp's sums of 16 pixels from `first_pixel` on.
  __device__ static void put(float* board, int split, int first_pixel, int lane,
                             const float (&sums)[kChannels / 8][4]) {
    float* row = board + (split * kPixels + first_pixel + lane / 4) * kRow + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < kChannels / 8; ++n) {
      *reinterpret_cast<float2*>(row + 8 * n) = float2{sums[n][0], sums[n][1]};
      *reinterpret_cast<float2*>(row + 8 * kRow + 8 * n) = float2{sums[n][2], sums[n][3]};
    }
  }

  // place_of(i): the number of the block's i-th pixel in the picture; -1: none.
  template <RvmConv::Gru kGru, typename PlaceOf>
  __device__ static void finish_all(const float* board, const ConvWork& w, int first_channel, PlaceOf&& place_of) {
    constexpr int kGroups = kChannels / 8;
    for (int item = static_cast<int>(threadIdx.x); item < kPixels * kGroups; item += static_cast<int>(blockDim.x)) {
      const int channel = first_channel + item % kGroups * 8;
      const int pixel = place_of(item / kGroups);
      if (pixel < 0 || channel >= w.channels) continue;
      float v[8];
      read_floats(board + item / kGroups * kRow + item % kGroups * 8, v);
#pragma unroll
      for (int split = 1; split < kSplits; ++split) {
        float more[8];
        read_floats(board + (split * kPixels + item / kGroups) * kRow + item % kGroups * 8, more);
#pragma unroll
        for (int k = 0; k < 8; ++k) v[k] += more[k];
      }
      finish<kGru>(w, pixel, channel, v);
    }
  }
};

// The 3x3 convolutions without stride and dilation, from tiles of the picture that stay in shared memory. False: this
// one is none, or too large for it.
bool launch_tile_conv(const ConvWork& work, RvmConv::Gru gru, cudaStream_t stream);

}  // namespace liveedit::kernels
