// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions as matrix products on the tensor cores: a row is an output pixel, a column an output channel, and the
// summed index runs over kernel places and input channels in groups of 8 (16 bytes), which are fetched straight from
// the picture. fp16 in and out, sums in fp32.
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/rvm_math.cuh"
#include "core/kernels/rvm_layers.h"

namespace liveedit::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kDepth = 32;  // of the summed index a step: 4 groups
constexpr int kGroups = kDepth / 8;
constexpr int kStages = 3;        // steps whose data is on its way
constexpr int kRow = kDepth + 8;  // elements of a row in shared memory; the padding keeps ldmatrix free of conflicts

struct Params {
  const __half* a;
  const __half* b;
  int a_groups;
  int all_groups;  // of one kernel place
  int a_stride;
  int b_stride;
  int height;
  int width;
  int out_width;
  int kernel;
  int stride;
  int dilation;
  int padding;
  int pixels;
  int sum_groups;  // kernel places * all_groups
  const __half* weight;
  const float* bias;
  int channels;
  RvmActivation activation;
  const __half* residual;
  const float* scale;
  __half* out;
  __half* state;
  __half* update;
};

__device__ inline void fetch(void* shared, const void* global, bool valid) {
  const auto place = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(place), "l"(global), "r"(valid ? 16 : 0));
}

__device__ inline void load_matrices(unsigned (&to)[4], const __half* shared) {
  const auto place = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(place));
}

__device__ inline void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Where a thread's group stands in the summed index.
struct Place {
  int group;    // over all places
  int channel;  // in groups, within the kernel place
  int ky;
  int kx;

  __device__ void advance(int groups, const Params& p) {
    group += groups;
    channel += groups;
    settle(p);
  }
  __device__ void settle(const Params& p) {
    while (channel >= p.all_groups) {
      channel -= p.all_groups;
      if (++kx == p.kernel) {
        kx = 0;
        ++ky;
      }
    }
  }
};

// Two neighbouring channels of one pixel.
template <RvmConv::Gru kGru>
__device__ inline void finish(const Params& p, int pixel, int channel, float v0, float v1) {
  v0 += p.bias[channel];
  v1 += p.bias[channel + 1];
  if (kGru == RvmConv::Gru::kNone) {
    const std::int64_t place = static_cast<std::int64_t>(pixel) * p.channels + channel;
    if (p.residual != nullptr) {
      const float2 more = __half22float2(*reinterpret_cast<const __half2*>(p.residual + place));
      v0 += more.x;
      v1 += more.y;
    }
    v0 = rvm_activate(p.activation, v0);
    v1 = rvm_activate(p.activation, v1);
    if (p.scale != nullptr) {
      v0 *= p.scale[channel];
      v1 *= p.scale[channel + 1];
    }
    *reinterpret_cast<__half2*>(p.out + place) = __floats2half2_rn(v0, v1);
  } else if (kGru == RvmConv::Gru::kGates) {
    const int half = p.channels / 2;
    v0 = rvm_sigmoid(v0);
    v1 = rvm_sigmoid(v1);
    if (channel < half) {
      const std::int64_t place = static_cast<std::int64_t>(pixel) * half + channel;
      const float2 state = __half22float2(*reinterpret_cast<const __half2*>(p.state + place));
      *reinterpret_cast<__half2*>(p.out + place) = __floats2half2_rn(v0 * state.x, v1 * state.y);
    } else {
      const std::int64_t place = static_cast<std::int64_t>(pixel) * half + channel - half;
      *reinterpret_cast<__half2*>(p.update + place) = __floats2half2_rn(v0, v1);
    }
  } else {
    const std::int64_t place = static_cast<std::int64_t>(pixel) * p.channels + channel;
    const float2 state = __half22float2(*reinterpret_cast<const __half2*>(p.state + place));
    const float2 update = __half22float2(*reinterpret_cast<const __half2*>(p.update + place));
    *reinterpret_cast<__half2*>(p.state + place) =
        __floats2half2_rn(state.x + update.x * (rvm_tanh(v0) - state.x), state.y + update.y * (rvm_tanh(v1) - state.y));
  }
}

// What a thread fetches: one group of each kThreads / kGroups-th pixel and channel of the block's tile.
template <int kPixels, int kChannels>
struct Fetcher {
  static constexpr int kStep = kThreads / kGroups;
  static constexpr int kLoads = kPixels / kStep;

  int thread;
  int first_channel;
  int top[kLoads];  // of the windows, in the picture
  int left[kLoads];
  Place place;

  __device__ Fetcher(const Params& p, int first_pixel, int first_channel)
      : thread(static_cast<int>(threadIdx.x)),
        first_channel(first_channel),
        place{thread % kGroups, thread % kGroups, 0, 0} {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int pixel = first_pixel + thread / kGroups + i * kStep;
      const bool there = pixel < p.pixels;
      top[i] = there ? pixel / p.out_width * p.stride - p.padding : -(1 << 28);
      left[i] = pixel % p.out_width * p.stride - p.padding;
    }
    place.settle(p);
  }

  // Asks for the next step's data. What is outside of the picture or of the sum is 0.
  __device__ void next(const Params& p, __half* pixels, __half* weights) {
    const bool there = place.group < p.sum_groups;
    const bool first = place.channel < p.a_groups;
    const __half* base = first ? p.a + 8 * place.channel : p.b + 8 * (place.channel - p.a_groups);
    const int stride = first ? p.a_stride : p.b_stride;
    const int column = 8 * (thread % kGroups);
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int y = top[i] + place.ky * p.dilation;
      const int x = left[i] + place.kx * p.dilation;
      const bool valid = there && static_cast<unsigned>(y) < static_cast<unsigned>(p.height) &&
                         static_cast<unsigned>(x) < static_cast<unsigned>(p.width);
      const __half* from = valid ? base + static_cast<std::int64_t>(y * p.width + x) * stride : p.a;
      fetch(pixels + (thread / kGroups + i * kStep) * kRow + column, from, valid);
    }
    for (int row = thread / kGroups; row < kChannels; row += kStep) {
      const int channel = first_channel + row;
      const bool valid = there && channel < p.channels;
      const __half* from =
          valid ? p.weight + 8 * (static_cast<std::int64_t>(channel) * p.sum_groups + place.group) : p.weight;
      fetch(weights + row * kRow + column, from, valid);
    }
    place.advance(kGroups, p);
  }
};

// Adds one step's products to a warp's sums: [kMTiles * 16 pixels, kNPairs * 16 channels].
template <int kMTiles, int kNPairs>
__device__ inline void multiply_step(const __half* pixels, const __half* weights, int lane,
                                     float (&sums)[kMTiles][2 * kNPairs][4]) {
#pragma unroll
  for (int half = 0; half < kDepth / 16; ++half) {
    unsigned left_side[kMTiles][4];
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
      load_matrices(left_side[m], pixels + (16 * m + lane % 16) * kRow + 16 * half + lane / 16 * 8);
    }
#pragma unroll
    for (int n = 0; n < kNPairs; ++n) {
      unsigned right_side[4];
      const int channel = 16 * n + lane % 8 + lane / 16 * 8;
      load_matrices(right_side, weights + channel * kRow + 16 * half + lane / 8 % 2 * 8);
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        multiply(sums[m][2 * n], left_side[m], right_side[0], right_side[1]);
        multiply(sums[m][2 * n + 1], left_side[m], right_side[2], right_side[3]);
      }
    }
  }
}

template <int kPixels, int kChannels, RvmConv::Gru kGru>
__global__ void __launch_bounds__(kThreads) convolve(const Params p) {
  constexpr int kWarpPixels = kPixels / kWarps;
  constexpr int kMTiles = kWarpPixels / 16;
  constexpr int kNPairs = kChannels / 16;
  __shared__ __align__(16) __half pixels[kStages][kPixels * kRow];
  __shared__ __align__(16) __half weights[kStages][kChannels * kRow];
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int first_pixel = static_cast<int>(blockIdx.x) * kPixels;
  const int first_channel = static_cast<int>(blockIdx.y) * kChannels;

  Fetcher<kPixels, kChannels> fetcher(p, first_pixel, first_channel);
  float sums[kMTiles][2 * kNPairs][4] = {};
  const int steps = (p.sum_groups + kGroups - 1) / kGroups;
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < steps) fetcher.next(p, pixels[i], weights[i]);
    asm volatile("cp.async.commit_group;\n");
  }
  for (int step = 0; step < steps; ++step) {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(kStages - 2));
    __syncthreads();
    const int later = (step + kStages - 1) % kStages;
    if (step + kStages - 1 < steps) fetcher.next(p, pixels[later], weights[later]);
    asm volatile("cp.async.commit_group;\n");
    multiply_step<kMTiles, kNPairs>(pixels[step % kStages] + warp * kWarpPixels * kRow, weights[step % kStages], lane,
                                    sums);
  }

#pragma unroll
  for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
    for (int n = 0; n < 2 * kNPairs; ++n) {
      const int channel = first_channel + 8 * n + lane % 4 * 2;
      if (channel >= p.channels) continue;
      const int pixel = first_pixel + warp * kWarpPixels + 16 * m + lane / 4;
      if (pixel < p.pixels) finish<kGru>(p, pixel, channel, sums[m][n][0], sums[m][n][1]);
      if (pixel + 8 < p.pixels) finish<kGru>(p, pixel + 8, channel, sums[m][n][2], sums[m][n][3]);
    }
  }
}

template <int kPixels, int kChannels>
void launch(const Params& p, RvmConv::Gru gru, cudaStream_t stream) {
  const dim3 grid(blocks_for(static_cast<std::uint64_t>(p.pixels), kPixels),
                  blocks_for(static_cast<std::uint64_t>(p.channels), kChannels));
  switch (gru) {
    case RvmConv::Gru::kNone:
      convolve<kPixels, kChannels, RvmConv::Gru::kNone><<<grid, kThreads, 0, stream>>>(p);
      break;
    case RvmConv::Gru::kGates:
      convolve<kPixels, kChannels, RvmConv::Gru::kGates><<<grid, kThreads, 0, stream>>>(p);
      break;
    case RvmConv::Gru::kCandidate:
      convolve<kPixels, kChannels, RvmConv::Gru::kCandidate><<<grid, kThreads, 0, stream>>>(p);
      break;
  }
  check_launch("rvm_conv");
}

// The largest tile that still gives every multiprocessor of a large GPU something to do.
void launch_best(const Params& p, RvmConv::Gru gru, cudaStream_t stream) {
  constexpr std::int64_t kEnough = 132;
  const auto blocks = [&](int pixels, int channels) {
    return static_cast<std::int64_t>((p.pixels + pixels - 1) / pixels) * ((p.channels + channels - 1) / channels);
  };
  if (p.channels > 32 && blocks(128, 64) >= kEnough) return launch<128, 64>(p, gru, stream);
  if (p.channels > 32 && blocks(64, 64) >= kEnough) return launch<64, 64>(p, gru, stream);
  if (p.channels > 16 && blocks(128, 32) >= kEnough) return launch<128, 32>(p, gru, stream);
  if (p.channels > 16 && blocks(64, 32) >= kEnough) return launch<64, 32>(p, gru, stream);
  if (p.channels <= 16 && blocks(128, 16) >= kEnough) return launch<128, 16>(p, gru, stream);
  return launch<64, 16>(p, gru, stream);
}

}  // namespace

void rvm_conv_cuda(const RvmConv& conv, void* stream) {
  Params p{};
  p.a = static_cast<const __half*>(conv.a.data);
  p.b = static_cast<const __half*>(conv.b.data);
  p.a_groups = conv.a.channels / 8;
  p.all_groups = (conv.a.channels + conv.b.channels) / 8;
  p.a_stride = conv.a.pixel_stride;
  p.b_stride = conv.b.pixel_stride;
  p.height = conv.height;
  p.width = conv.width;
  p.out_width = conv.out_width;
  p.kernel = conv.kernel;
  p.stride = conv.stride;
  p.dilation = conv.dilation;
  p.padding = conv.padding;
  p.pixels = conv.out_height * conv.out_width;
  p.sum_groups = conv.kernel * conv.kernel * p.all_groups;
  p.weight = static_cast<const __half*>(conv.weight);
  p.bias = conv.bias;
  p.channels = conv.out_channels;
  p.activation = conv.activation;
  p.residual = static_cast<const __half*>(conv.residual);
  p.scale = conv.scale;
  p.out = static_cast<__half*>(conv.out);
  p.state = static_cast<__half*>(conv.state);
  p.update = static_cast<__half*>(conv.update);
  launch_best(p, conv.gru, static_cast<cudaStream_t>(stream));
}

}  // namespace liveedit::kernels
