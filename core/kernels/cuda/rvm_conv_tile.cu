// SPDX-License-Identifier: LGPL-2.1-or-later
// 3x3 convolutions from a rectangle of the picture, with its edge, that a block fetches once and reads nine times. All
// weights of its output channels lie beside it, so that after one wait there is nothing but products.
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/rvm_conv.cuh"

namespace liveedit::kernels {
namespace {

constexpr int kPlaces = 9;
constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;

// Each warp makes 16 pixels; where these are fewer than warps, several share the summed index.
template <int kWidth_, int kHeight_, int kChannels_>
struct Rectangle {
  static constexpr int kWidth = kWidth_;
  static constexpr int kHeight = kHeight_;
  static constexpr int kChannels = kChannels_;
  static constexpr int kPixels = kWidth * kHeight;
  static constexpr int kSplits = kWarps * 16 / kPixels;
  static constexpr int kWideWidth = kWidth + 2;
  static constexpr int kWidePixels = kWideWidth * (kHeight + 2);
  using Board = SumBoard<kPixels, kChannels, kSplits>;
  static_assert(kSplits * kPixels == kWarps * 16);
};

// How a block's shared memory is laid out. Rows have an odd number of groups: ldmatrix finds no conflicts.
struct Layout {
  int pixel_row;      // groups
  int weight_row;     // groups
  int weights;        // bytes to the first
  int places;         // bytes to the table
  int bytes;          // in all
  int padded_groups;  // of the summed index, even

  template <typename R>
  __host__ __device__ static Layout of(const ConvWork& w) {
    Layout layout;
    layout.padded_groups = (w.sum_groups + 1) / 2 * 2;
    layout.pixel_row = w.all_groups | 1;
    layout.weight_row = layout.padded_groups + 1;
    layout.weights = 16 * R::kWidePixels * layout.pixel_row;
    layout.places = layout.weights + 16 * R::kChannels * layout.weight_row;
    const int used = layout.places + layout.padded_groups * static_cast<int>(sizeof(int));
    layout.bytes = used > R::Board::kBytes ? used : R::Board::kBytes;
    return layout;
  }
};

template <typename R>
__device__ inline void fetch_rectangle(const ConvWork& w, const Layout& layout, int left, int top, __half* pixels) {
  const int thread = static_cast<int>(threadIdx.x);
  // A thread's next piece is kThreads further; division is slow.
  const int pixel_step = kThreads / w.all_groups;
  const int group_step = kThreads % w.all_groups;
  int group = thread % w.all_groups;
  for (int pixel = thread / w.all_groups; pixel < R::kWidePixels;) {
    const int x = left - 1 + pixel % R::kWideWidth;
    const int y = top - 1 + pixel / R::kWideWidth;
    const bool valid = static_cast<unsigned>(y) < static_cast<unsigned>(w.height) &&
                       static_cast<unsigned>(x) < static_cast<unsigned>(w.width);
    const bool first = group < w.a_groups;
    const std::int64_t place = y * w.width + x;
    const __half* from =
        first ? w.a + place * w.a_stride + 8 * group : w.b + place * w.b_stride + 8 * (group - w.a_groups);
    fetch_pixels(pixels + 8 * (pixel * layout.pixel_row + group), valid ? from : w.a, valid);
    pixel += pixel_step;
    group += group_step;
    if (group >= w.all_groups) {
      group -= w.all_groups;
      ++pixel;
    }
  }
}

template <typename R>
__device__ inline void fetch_all_weights(const ConvWork& w, const Layout& layout, int first_channel, __half* weights) {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  for (int row = warp; row < R::kChannels; row += kWarps) {
    const int channel = first_channel + row;
    const __half* from = w.weight + 8 * static_cast<std::int64_t>(channel) * w.sum_groups;
    for (int group = static_cast<int>(threadIdx.x) % 32; group < layout.padded_groups; group += 32) {
      const bool valid = group < w.sum_groups && channel < w.channels;
      fetch_weights(weights + 8 * (row * layout.weight_row + group), valid ? from + 8 * group : w.weight, valid);
    }
  }
}

template <typename R, RvmConv::Gru kGru>
__global__ void __launch_bounds__(kThreads) convolve_rectangle(const ConvWork w, int across) {
  extern __shared__ __align__(16) unsigned char memory[];
  const Layout layout = Layout::of<R>(w);
  auto* pixels = reinterpret_cast<__half*>(memory);
  auto* weights = reinterpret_cast<__half*>(memory + layout.weights);
  auto* places = reinterpret_cast<int*>(memory + layout.places);
  const int left = static_cast<int>(blockIdx.x) % across * R::kWidth;
  const int top = static_cast<int>(blockIdx.x) / across * R::kHeight;
  const int first_channel = static_cast<int>(blockIdx.y) * R::kChannels;

  fetch_rectangle<R>(w, layout, left, top, pixels);
  fetch_all_weights<R>(w, layout, first_channel, weights);
  asm volatile("cp.async.commit_group;\n");
  // How far a group of the summed index lies from a pixel's first one. The last may be beyond: its weights are 0.
  for (int i = static_cast<int>(threadIdx.x); i < layout.padded_groups; i += kThreads) {
    const int place = i / w.all_groups < kPlaces ? i / w.all_groups : 0;
    places[i] = 8 * ((place / 3 * R::kWideWidth + place % 3) * layout.pixel_row + i % w.all_groups);
  }
  asm volatile("cp.async.wait_group 0;\n");
  __syncthreads();

  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int split = warp % R::kSplits;
  const int first_pixel = warp / R::kSplits * 16;
  const int own = first_pixel + lane % 16;
  const __half* own_pixel = pixels + 8 * (own / R::kWidth * R::kWideWidth + own % R::kWidth) * layout.pixel_row;
  const __half* own_weights = weights + 8 * ((lane % 8 + lane / 16 * 8) * layout.weight_row + lane / 8 % 2);
  float sums[R::kChannels / 8][4] = {};
#pragma unroll 4
  for (int group = 2 * split; group < layout.padded_groups; group += 2 * R::kSplits) {
    unsigned left_side[4];
    load_matrices(left_side, own_pixel + places[group + lane / 16]);
#pragma unroll
    for (int n = 0; n < R::kChannels / 16; ++n) {
      unsigned right_side[4];
      load_matrices(right_side, own_weights + 8 * (16 * n * layout.weight_row + group));
      multiply(sums[2 * n], left_side, right_side[0], right_side[1]);
      multiply(sums[2 * n + 1], left_side, right_side[2], right_side[3]);
    }
  }
  __syncthreads();
  auto* board = reinterpret_cast<float*>(memory);
  R::Board::put(board, split, first_pixel, lane, sums);
  __syncthreads();
  R::Board::template finish_all<kGru>(board, w, first_channel, [&](int i) {
    const int x = left + i % R::kWidth;
    const int y = top + i / R::kWidth;
    return x < w.out_width && y < w.out_height ? y * w.out_width + x : -1;
  });
}

int most_shared_bytes() {
  int device = 0;
  int bytes = 0;
  check_call(cudaGetDevice(&device), "rvm_conv");
  check_call(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "rvm_conv");
  return bytes;
}

template <typename R, RvmConv::Gru kGru>
bool launch_kernel(const ConvWork& w, cudaStream_t stream) {
  const int bytes = Layout::of<R>(w).bytes;
  if (bytes > most_shared_bytes()) return false;
  const int across = (w.out_width + R::kWidth - 1) / R::kWidth;
  const int down = (w.out_height + R::kHeight - 1) / R::kHeight;
  const dim3 grid(static_cast<unsigned>(across * down),
                  blocks_for(static_cast<std::uint64_t>(w.channels), R::kChannels));
  check_call(cudaFuncSetAttribute(convolve_rectangle<R, kGru>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
             "rvm_conv");
  convolve_rectangle<R, kGru><<<grid, kThreads, bytes, stream>>>(w, across);
  check_launch("rvm_conv");
  return true;
}

template <typename R>
bool launch(const ConvWork& w, RvmConv::Gru gru, cudaStream_t stream) {
  switch (gru) {
    case RvmConv::Gru::kNone:
      return launch_kernel<R, RvmConv::Gru::kNone>(w, stream);
    case RvmConv::Gru::kGates:
      return launch_kernel<R, RvmConv::Gru::kGates>(w, stream);
    case RvmConv::Gru::kCandidate:
      return launch_kernel<R, RvmConv::Gru::kCandidate>(w, stream);
  }
  return false;
}

}  // namespace

bool launch_tile_conv(const ConvWork& w, RvmConv::Gru gru, cudaStream_t stream) {
  constexpr int kLargePicture = 1 << 14;  // pixels: enough rectangles for a large GPU
  if (w.kernel != 3 || w.stride != 1 || w.dilation != 1 || w.padding != 1 || w.in_scale != nullptr) return false;
  if (w.pixels < kLargePicture) return launch<Rectangle<8, 8, 16>>(w, gru, stream);
  if (w.channels > 16) return launch<Rectangle<16, 8, 32>>(w, gru, stream);
  return launch<Rectangle<16, 8, 16>>(w, gru, stream);
}

}  // namespace liveedit::kernels
