// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions as matrix products on the tensor cores: a row is an output pixel, a column an output channel, and the
// summed index runs over kernel places and input channels in groups of 8 (16 bytes), which are fetched straight from
// the picture. fp16 in and out, sums in fp32.
#include "core/kernels/cuda/rvm_conv.cuh"

#include <algorithm>

#include "core/kernels/cuda/launch.h"

namespace liveedit::kernels {
namespace {

constexpr int kStages = 3;  // steps whose data is on its way

// A block's share: kPixels x kChannels of the product, kDepth of the summed index a step. Four warps share the pixels;
// with kSplits > 1 there are several such sets of warps, each for a part of every step: on a small picture there are
// too few blocks to hide how long one warp waits.
template <int kPixels_, int kChannels_, int kDepth_, int kSplits_>
struct Tile {
  static constexpr int kPixels = kPixels_;
  static constexpr int kChannels = kChannels_;
  static constexpr int kDepth = kDepth_;
  static constexpr int kSplits = kSplits_;
  static constexpr int kThreads = 128 * kSplits;
  static constexpr int kGroups = kDepth / 8;
  // Elements of a row in shared memory; the padding keeps ldmatrix free of conflicts.
  static constexpr int kRow = kDepth + 8;
  static constexpr int kStageElements = (kPixels + kChannels) * kRow;
  using Board = SumBoard<kPixels, kChannels, kSplits>;
  static constexpr int kSharedBytes =
      std::max(kStages * kStageElements * static_cast<int>(sizeof(__half)), Board::kBytes);
  static_assert(kDepth / 16 % kSplits == 0);
};

template <int kPixels>
__device__ inline int pixel_of(const ConvWork& w, int i) {
  const int pixel = static_cast<int>(blockIdx.x) * kPixels + i;
  return pixel < w.pixels ? pixel : -1;
}

// Where a thread's group stands in the summed index.
struct Place {
  int group;    // over all places
  int channel;  // in groups, within the kernel place
  int ky;
  int kx;

  __device__ void advance(int groups, const ConvWork& w) {
    group += groups;
    channel += groups;
    settle(w);
  }
  __device__ void settle(const ConvWork& w) {
    while (channel >= w.all_groups) {
      channel -= w.all_groups;
      if (++kx == w.kernel) {
        kx = 0;
        ++ky;
      }
    }
  }
};

// What a thread fetches: one group of each kStep-th pixel of the block's tile.
template <typename T>
struct WindowFetcher {
  static constexpr int kStep = T::kThreads / T::kGroups;
  static constexpr int kLoads = (T::kPixels + kStep - 1) / kStep;

  int top[kLoads];  // of the windows, in the picture
  int left[kLoads];
  Place place;

  __device__ explicit WindowFetcher(const ConvWork& w) {
    const int thread = static_cast<int>(threadIdx.x);
    place = {thread % T::kGroups, thread % T::kGroups, 0, 0};
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int pixel = pixel_of<T::kPixels>(w, thread / T::kGroups + i * kStep);
      top[i] = pixel >= 0 ? pixel / w.out_width * w.stride - w.padding : -(1 << 28);
      left[i] = pixel % w.out_width * w.stride - w.padding;
    }
    place.settle(w);
  }

  // What is outside of the picture or of the sum is 0.
  __device__ void next(const ConvWork& w, __half* pixels) {
    const int thread = static_cast<int>(threadIdx.x);
    const bool there = place.group < w.sum_groups;
    const bool first = place.channel < w.a_groups;
    const __half* base = first ? w.a + 8 * place.channel : w.b + 8 * (place.channel - w.a_groups);
    const int stride = first ? w.a_stride : w.b_stride;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int row = thread / T::kGroups + i * kStep;
      if (T::kPixels % kStep != 0 && row >= T::kPixels) break;
      const int y = top[i] + place.ky * w.dilation;
      const int x = left[i] + place.kx * w.dilation;
      const bool valid = there && static_cast<unsigned>(y) < static_cast<unsigned>(w.height) &&
                         static_cast<unsigned>(x) < static_cast<unsigned>(w.width);
      const __half* from = valid ? base + static_cast<std::int64_t>(y * w.width + x) * stride : w.a;
      fetch_pixels(pixels + row * T::kRow + 8 * (thread % T::kGroups), from, valid);
    }
    place.advance(T::kGroups, w);
  }
};

// The same where each window is one pixel, and there is one source.
template <typename T>
struct PointFetcher {
  static constexpr int kStep = T::kThreads / T::kGroups;
  static constexpr int kLoads = (T::kPixels + kStep - 1) / kStep;

  const __half* from[kLoads];
  bool there[kLoads];
  int group;

  __device__ explicit PointFetcher(const ConvWork& w) {
    const int thread = static_cast<int>(threadIdx.x);
    group = thread % T::kGroups;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int pixel = pixel_of<T::kPixels>(w, thread / T::kGroups + i * kStep);
      there[i] = pixel >= 0;
      from[i] = w.a + (there[i] ? static_cast<std::int64_t>(pixel) * w.a_stride : 0);
    }
  }

  __device__ void next(const ConvWork& w, __half* pixels) {
    const int thread = static_cast<int>(threadIdx.x);
    const bool in_sum = group < w.sum_groups;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int row = thread / T::kGroups + i * kStep;
      if (T::kPixels % kStep != 0 && row >= T::kPixels) break;
      fetch_pixels(pixels + row * T::kRow + 8 * (thread % T::kGroups), in_sum ? from[i] + 8 * group : w.a,
                   in_sum && there[i]);
    }
    group += T::kGroups;
  }
};

template <typename T>
__device__ inline void fetch_step_weights(const ConvWork& w, int step, __half* weights) {
  constexpr int kStep = T::kThreads / T::kGroups;
  const int thread = static_cast<int>(threadIdx.x);
  const int group = step * T::kGroups + thread % T::kGroups;
  const int first_channel = static_cast<int>(blockIdx.y) * T::kChannels;
  for (int row = thread / T::kGroups; row < T::kChannels; row += kStep) {
    const int channel = first_channel + row;
    const bool valid = group < w.sum_groups && channel < w.channels;
    const __half* from = valid ? w.weight + 8 * (static_cast<std::int64_t>(channel) * w.sum_groups + group) : w.weight;
    fetch_weights(weights + row * T::kRow + 8 * (thread % T::kGroups), from, valid);
  }
}

// Adds a warp's part of one step to its sums: [kMTiles * 16 pixels, kChannels]. scales: of this step's inputs, or null.
template <typename T, int kMTiles>
__device__ inline void multiply_step(const __half* pixels, const __half* weights, const __half* scales, int split,
                                     int lane, float (&sums)[kMTiles][T::kChannels / 8][4]) {
#pragma unroll
  for (int i = 0; i < T::kDepth / 16 / T::kSplits; ++i) {
    const int part = i * T::kSplits + split;
    unsigned left_side[kMTiles][4];
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
      load_matrices(left_side[m], pixels + (16 * m + lane % 16) * T::kRow + 16 * part + lane / 16 * 8);
    }
    if (scales != nullptr) {
      // A lane holds two neighbouring channels of the first 8, and the same of the other 8.
      const auto* pair = reinterpret_cast<const __half2*>(scales + 16 * part + lane % 4 * 2);
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          auto& values = reinterpret_cast<__half2&>(left_side[m][k]);
          values = __hmul2(values, pair[k / 2 * 4]);
        }
      }
    }
#pragma unroll
    for (int n = 0; n < T::kChannels / 16; ++n) {
      unsigned right_side[4];
      const int channel = 16 * n + lane % 8 + lane / 16 * 8;
      load_matrices(right_side, weights + channel * T::kRow + 16 * part + lane / 8 % 2 * 8);
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        multiply(sums[m][2 * n], left_side[m], right_side[0], right_side[1]);
        multiply(sums[m][2 * n + 1], left_side[m], right_side[2], right_side[3]);
      }
    }
  }
}

template <typename T, template <typename> typename Fetcher, RvmConv::Gru kGru>
__global__ void __launch_bounds__(T::kThreads) convolve(const ConvWork w) {
  constexpr int kWarpPixels = T::kPixels / 4;
  constexpr int kMTiles = kWarpPixels / 16;
  extern __shared__ __align__(16) __half shared[];
  __half* scales = shared + T::kSharedBytes / sizeof(__half);
  const auto pixels = [](int stage) { return shared + stage * T::kStageElements; };
  const auto weights = [](int stage) { return shared + stage * T::kStageElements + T::kPixels * T::kRow; };
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int steps = (w.sum_groups + T::kGroups - 1) / T::kGroups;

  Fetcher<T> fetcher(w);
  float sums[kMTiles][T::kChannels / 8][4] = {};
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < steps) {
      fetcher.next(w, pixels(i));
      fetch_step_weights<T>(w, i, weights(i));
    }
    asm volatile("cp.async.commit_group;\n");
  }
  if (w.in_scale != nullptr) {
    for (int i = static_cast<int>(threadIdx.x); i < steps * T::kDepth; i += T::kThreads) {
      scales[i] = i < 8 * w.sum_groups ? __float2half(w.in_scale[i]) : __half{};
    }
  }
  for (int step = 0; step < steps; ++step) {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(kStages - 2));
    __syncthreads();
    const int later = step + kStages - 1;
    if (later < steps) {
      fetcher.next(w, pixels(later % kStages));
      fetch_step_weights<T>(w, later, weights(later % kStages));
    }
    asm volatile("cp.async.commit_group;\n");
    multiply_step<T, kMTiles>(pixels(step % kStages) + warp % 4 * kWarpPixels * T::kRow, weights(step % kStages),
                              w.in_scale != nullptr ? scales + step * T::kDepth : nullptr, warp / 4, lane, sums);
  }
  __syncthreads();
  auto* board = reinterpret_cast<float*>(shared);
#pragma unroll
  for (int m = 0; m < kMTiles; ++m) {
    T::Board::put(board, warp / 4, warp % 4 * kWarpPixels + 16 * m, lane, sums[m]);
  }
  __syncthreads();
  T::Board::template finish_all<kGru>(board, w, static_cast<int>(blockIdx.y) * T::kChannels,
                                      [&](int i) { return pixel_of<T::kPixels>(w, i); });
}

template <typename T, template <typename> typename Fetcher, RvmConv::Gru kGru>
void launch_kernel(const ConvWork& w, cudaStream_t stream) {
  const dim3 grid(blocks_for(static_cast<std::uint64_t>(w.pixels), T::kPixels),
                  blocks_for(static_cast<std::uint64_t>(w.channels), T::kChannels));
  const int steps = (w.sum_groups + T::kGroups - 1) / T::kGroups;
  const int bytes =
      T::kSharedBytes + (w.in_scale != nullptr ? steps * T::kDepth * static_cast<int>(sizeof(__half)) : 0);
  if (bytes > 48 * 1024) {
    // Once for each device would do; it costs less than to remember for which it was done.
    check_call(cudaFuncSetAttribute(convolve<T, Fetcher, kGru>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
               "rvm_conv");
  }
  convolve<T, Fetcher, kGru><<<grid, T::kThreads, bytes, stream>>>(w);
  check_launch("rvm_conv");
}

template <typename T>
void launch_tile(const ConvWork& w, RvmConv::Gru gru, cudaStream_t stream) {
  const bool points = w.kernel == 1 && w.stride == 1 && w.b == nullptr;
  switch (gru) {
    case RvmConv::Gru::kNone:
      return points ? launch_kernel<T, PointFetcher, RvmConv::Gru::kNone>(w, stream)
                    : launch_kernel<T, WindowFetcher, RvmConv::Gru::kNone>(w, stream);
    case RvmConv::Gru::kGates:
      return launch_kernel<T, WindowFetcher, RvmConv::Gru::kGates>(w, stream);
    case RvmConv::Gru::kCandidate:
      return launch_kernel<T, WindowFetcher, RvmConv::Gru::kCandidate>(w, stream);
  }
}

// Long sums in steps of 64, which halves the times that a block waits for itself.
template <int kPixels, int kChannels, int kSplits>
void launch(const ConvWork& w, RvmConv::Gru gru, cudaStream_t stream) {
  constexpr int kLongSum = 12;  // groups
  if (w.sum_groups >= kLongSum) {
    launch_tile<Tile<kPixels, kChannels, 64, kSplits>>(w, gru, stream);
  } else {
    launch_tile<Tile<kPixels, kChannels, 32, std::min(kSplits, 2)>>(w, gru, stream);
  }
}

// The largest tile that still gives every multiprocessor of a large GPU something to do.
void launch_best(const ConvWork& w, RvmConv::Gru gru, cudaStream_t stream) {
  constexpr std::int64_t kEnough = 132;
  const auto blocks = [&](int pixels, int channels) {
    return static_cast<std::int64_t>((w.pixels + pixels - 1) / pixels) * ((w.channels + channels - 1) / channels);
  };
  if (w.channels > 32 && blocks(128, 64) >= 2 * kEnough) return launch<128, 64, 1>(w, gru, stream);
  if (w.channels > 32 && blocks(64, 64) >= kEnough) return launch<64, 64, 2>(w, gru, stream);
  if (w.channels > 16 && blocks(128, 32) >= 2 * kEnough) return launch<128, 32, 1>(w, gru, stream);
  if (w.channels > 16 && blocks(64, 32) >= kEnough) return launch<64, 32, 2>(w, gru, stream);
  if (w.channels <= 16 && blocks(128, 16) >= 2 * kEnough) return launch<128, 16, 1>(w, gru, stream);
  return launch<64, 16, 4>(w, gru, stream);
}

}  // namespace

void rvm_conv_cuda(const RvmConv& conv, void* stream) {
  ConvWork w{};
  w.a = static_cast<const __half*>(conv.a.data);
  w.b = static_cast<const __half*>(conv.b.data);
  w.a_groups = conv.a.channels / 8;
  w.all_groups = (conv.a.channels + conv.b.channels) / 8;
  w.a_stride = conv.a.pixel_stride;
  w.b_stride = conv.b.pixel_stride;
  w.height = conv.height;
  w.width = conv.width;
  w.out_height = conv.out_height;
  w.out_width = conv.out_width;
  w.kernel = conv.kernel;
  w.stride = conv.stride;
  w.dilation = conv.dilation;
  w.padding = conv.padding;
  w.pixels = conv.out_height * conv.out_width;
  w.sum_groups = conv.kernel * conv.kernel * w.all_groups;
  w.weight = static_cast<const __half*>(conv.weight);
  w.in_scale = conv.in_scale;
  w.bias = conv.bias;
  w.channels = conv.out_channels;
  w.activation = conv.activation;
  w.residual = static_cast<const __half*>(conv.residual);
  w.scale = conv.scale;
  w.out = static_cast<__half*>(conv.out);
  w.state = static_cast<__half*>(conv.state);
  w.update = static_cast<__half*>(conv.update);
  const auto queue = static_cast<cudaStream_t>(stream);
  if (!launch_tile_conv(w, conv.gru, queue)) launch_best(w, conv.gru, queue);
}

}  // namespace liveedit::kernels
