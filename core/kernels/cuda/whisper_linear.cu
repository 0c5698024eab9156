// SPDX-License-Identifier: LGPL-2.1-or-later
// A matrix times one vector costs what reading the matrix costs. Each warp keeps its part of the vector in registers
// and has two rows of the matrix on their way while it multiplies the two before; the first are asked for before the
// kernel that makes the vector has ended.
#include <algorithm>

#include "core/kernels/cuda/early_launch.cuh"
#include "core/kernels/cuda/element.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/whisper_token.h"

namespace liveedit::kernels {
namespace {

constexpr int kWarp = 32;
constexpr int kWarps = 4;
constexpr int kThreads = kWarp * kWarps;
constexpr int kRows = 2;
constexpr int kMostChannels = 1280;  // of a vector that one warp holds
constexpr int kSlices = kWarps;      // of a longer vector, which the warps of a block share
constexpr unsigned kEmbedThreads = 128;

template <typename T>
constexpr int kPer = 16 / static_cast<int>(sizeof(T));
template <typename T>
using Pack = Vector<T, kPer<T>>;

template <typename T>
struct Params {
  const float* x;
  const Pack<T>* norm_weight;
  const Pack<T>* norm_bias;
  float epsilon;
  const Pack<T>* weight;
  const T* bias;
  int in;
  int packs;        // of a row
  int slice_packs;  // of a warp's part of it
  int rows;
  TokenOutput output;
  float* y;
  T* keys;
  T* values;
  int places;
  int head_dim;
  const TokenState* state;
};

__device__ inline float warp_total(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffU, value, step);
  return value;
}

__device__ inline float gelu(float value) {
  return value * 0.5F * (1.0F + erff(value * 0.70710678F));
}

// Some of the matrix's rows, and what is added to their products.
template <typename T, int kPacks>
struct Rows {
  Pack<T> weights[kRows][kPacks];
  float bias;  // of row `lane`

  __device__ void load(const Params<T>& p, int row, int first, int end) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int i = 0; i < kPacks; ++i) {
        const int pack = first + i * kWarp;
        weights[r][i] =
            pack < end && row + r < p.rows ? p.weight[static_cast<std::int64_t>(row + r) * p.packs + pack] : Pack<T>{};
      }
    }
    const int own = static_cast<int>(threadIdx.x) % kWarp;
    bias = p.bias != nullptr && own < kRows && row + own < p.rows ? to_float(p.bias[row + own]) : 0.0F;
  }
};

// A norm's weight and bias for the packs of one lane, or nothing.
template <typename T, int kPacks, bool kNorm>
struct Norm {
  Pack<T> weight[kPacks];
  Pack<T> bias[kPacks];

  __device__ void load(const Params<T>& p, int first, int end) {
#pragma unroll
    for (int i = 0; i < kPacks; ++i) {
      const int pack = first + i * kWarp;
      weight[i] = pack < end ? p.norm_weight[pack] : Pack<T>{};
      bias[i] = pack < end ? p.norm_bias[pack] : Pack<T>{};
    }
  }

  // Elements that the warp's lanes do not have are 0, before the norm and after it.
  __device__ void apply(const Params<T>& p, int first, int end, float (&x)[kPacks * kPer<T>]) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kPacks * kPer<T>; ++i) sum += x[i];
    const float mean = warp_total(sum) / static_cast<float>(p.in);
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kPacks; ++i) {
      if (first + i * kWarp >= end) continue;
#pragma unroll
      for (int k = 0; k < kPer<T>; ++k) {
        const float away = x[i * kPer<T> + k] - mean;
        squares += away * away;
      }
    }
    const float scale = rsqrtf(warp_total(squares) / static_cast<float>(p.in) + p.epsilon);
#pragma unroll
    for (int i = 0; i < kPacks; ++i) {
#pragma unroll
      for (int k = 0; k < kPer<T>; ++k) {
        float& value = x[i * kPer<T> + k];
        value = (value - mean) * scale * to_float(weight[i].values[k]) + to_float(bias[i].values[k]);
      }
    }
  }
};
template <typename T, int kPacks>
struct Norm<T, kPacks, false> {
  __device__ void load(const Params<T>&, int, int) {}
  __device__ void apply(const Params<T>&, int, int, float (&)[kPacks * kPer<T>]) const {}
};

template <typename T, int kPacks>
__device__ inline void load_vector(const Params<T>& p, int first, int end, float (&x)[kPacks * kPer<T>]) {
#pragma unroll
  for (int i = 0; i < kPacks; ++i) {
    const int pack = first + i * kWarp;
#pragma unroll
    for (int k = 0; k < kPer<T>; k += 4) {
      const float4 four =
          pack < end ? *reinterpret_cast<const float4*>(p.x + pack * kPer<T> + k) : make_float4(0, 0, 0, 0);
      x[i * kPer<T> + k] = four.x;
      x[i * kPer<T> + k + 1] = four.y;
      x[i * kPer<T> + k + 2] = four.z;
      x[i * kPer<T> + k + 3] = four.w;
    }
  }
}

// The products of the rows, each in all lanes.
template <typename T, int kPacks>
__device__ inline void multiply_rows(const Rows<T, kPacks>& rows, const float (&x)[kPacks * kPer<T>],
                                     float (&sums)[kRows]) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    sums[r] = 0;
#pragma unroll
    for (int i = 0; i < kPacks; ++i) {
#pragma unroll
      for (int k = 0; k < kPer<T>; ++k) sums[r] += to_float(rows.weights[r][i].values[k]) * x[i * kPer<T> + k];
    }
    sums[r] = warp_total(sums[r]);
  }
}

// `before`: what y held, for kAdd; `position`: for kQueryKeyValue.
template <typename T>
__device__ inline void finish(const Params<T>& p, int row, float value, float before, int position) {
  switch (p.output) {
    case TokenOutput::kSet:
    case TokenOutput::kAdd:
      p.y[row] = before + value;
      break;
    case TokenOutput::kGelu:
      p.y[row] = gelu(value);
      break;
    case TokenOutput::kQueryKeyValue: {
      const int channels = p.rows / 3;
      const int channel = row % channels;
      if (row < channels) {
        p.y[channel] = value;
        break;
      }
      T* to = row < 2 * channels ? p.keys : p.values;
      to[(static_cast<std::int64_t>(channel / p.head_dim) * p.places + position) * p.head_dim + channel % p.head_dim] =
          from_float<T>(value);
      break;
    }
  }
}

// kSliced: the block's warps share two rows, each a part of the columns. Else each warp has rows of its own.
template <typename T, int kPacks, bool kSliced, bool kNorm>
__global__ void __launch_bounds__(kThreads, sizeof(T) == 2 ? 3 : 1) multiply_token(const Params<T> p) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int slice = kSliced ? warp : 0;
  const int first = slice * p.slice_packs + lane;
  const int end = min(p.packs, (slice + 1) * p.slice_packs);
  const int step = kRows * static_cast<int>(gridDim.x) * (kSliced ? 1 : kWarps);
  const bool finishes = lane < kRows && (!kSliced || warp == 0);
  int row = kRows * (kSliced ? static_cast<int>(blockIdx.x) : static_cast<int>(blockIdx.x) * kWarps + warp);
  Rows<T, kPacks> rows;
  Norm<T, kPacks, kNorm> norm;
  rows.load(p, row, first, end);
  norm.load(p, first, end);
  wait_for_earlier_kernels();

  float x[kPacks * kPer<T>];
  load_vector<T, kPacks>(p, first, end, x);
  const int position = p.output == TokenOutput::kQueryKeyValue ? p.state->position : 0;
  const auto held = [&](int at) {
    return p.output == TokenOutput::kAdd && finishes && at + lane < p.rows ? p.y[at + lane] : 0.0F;
  };
  float before = held(row);
  norm.apply(p, first, end, x);

  __shared__ float shared[2][kWarps][kRows];
  for (int turn = 0; row < p.rows; row += step, ++turn) {
    Rows<T, kPacks> next;
    next.load(p, row + step, first, end);
    const float before_next = held(row + step);
    float sums[kRows];
    multiply_rows<T, kPacks>(rows, x, sums);
    float sum = lane == 0 ? sums[0] : sums[1];
    if (kSliced) {
      if (lane < kRows) shared[turn % 2][warp][lane] = sum;
      __syncthreads();
      if (finishes) {
        sum = 0;
        for (int i = 0; i < kWarps; ++i) sum += shared[turn % 2][i][lane];
      }
    }
    if (finishes && row + lane < p.rows) finish(p, row + lane, sum + rows.bias, before, position);
    rows = next;
    before = before_next;
  }
}

template <typename T>
__global__ void embed(const TokenState* state, const T* table, const T* positions, float scale, int channels,
                      float* x) {
  wait_for_earlier_kernels();
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= channels) return;
  x[i] = to_float(table[static_cast<std::int64_t>(state->token) * channels + i]) * scale +
         to_float(positions[static_cast<std::int64_t>(state->position) * channels + i]);
}

int processors() {
  static const int count = [] {
    int device = 0;
    int found = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, device);
    return std::max(1, found);
  }();
  return count;
}

// As many blocks as run at the same time, each with many rows where there are many.
template <typename T, int kPacks, bool kSliced, bool kNorm>
void launch_kernel(const Params<T>& p, cudaStream_t stream) {
  const auto kernel = multiply_token<T, kPacks, kSliced, kNorm>;
  static const int at_once = [&] {
    int blocks = 0;
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kThreads, 0);
    return std::max(1, blocks) * processors();
  }();
  const int block_rows = kSliced ? kRows : kRows * kWarps;
  const auto grid = static_cast<unsigned>(std::min(at_once, (p.rows + block_rows - 1) / block_rows));
  launch_early(kernel, dim3(grid), kThreads, stream, p);
  check_launch("multiply_token");
}

template <typename T>
Params<T> params_of(const TokenLinear& work) {
  Params<T> p{};
  p.x = work.x;
  p.norm_weight = static_cast<const Pack<T>*>(work.norm_weight);
  p.norm_bias = static_cast<const Pack<T>*>(work.norm_bias);
  p.epsilon = work.epsilon;
  p.weight = static_cast<const Pack<T>*>(work.weight);
  p.bias = static_cast<const T*>(work.bias);
  p.in = work.in;
  p.packs = work.in / kPer<T>;
  p.slice_packs = work.in <= kMostChannels ? p.packs : (p.packs + kSlices - 1) / kSlices;
  p.rows = work.out;
  p.output = work.output;
  p.y = work.y;
  p.keys = static_cast<T*>(work.keys);
  p.values = static_cast<T*>(work.values);
  p.places = work.places;
  p.head_dim = work.head_dim;
  p.state = work.state;
  return p;
}

template <typename T, int kPacks>
void launch_packs(const TokenLinear& work, cudaStream_t stream) {
  const Params<T> p = params_of<T>(work);
  if (p.slice_packs < p.packs) return launch_kernel<T, kPacks, true, false>(p, stream);
  if (work.norm_weight != nullptr) return launch_kernel<T, kPacks, false, true>(p, stream);
  launch_kernel<T, kPacks, false, false>(p, stream);
}

template <typename T>
void launch(const TokenLinear& work, cudaStream_t stream) {
  constexpr int kScale = static_cast<int>(sizeof(T)) / 2;  // packs of fp32 hold half as many elements
  const int packs = params_of<T>(work).slice_packs;
  if (packs <= 2 * kScale * kWarp) return launch_packs<T, 2 * kScale>(work, stream);
  if (packs <= 3 * kScale * kWarp) return launch_packs<T, 3 * kScale>(work, stream);
  launch_packs<T, 5 * kScale>(work, stream);
}

template <typename T>
void launch(const TokenEmbedding& work, cudaStream_t stream) {
  const unsigned blocks = blocks_for(static_cast<std::uint64_t>(work.channels), kEmbedThreads);
  launch_early(embed<T>, dim3(blocks), kEmbedThreads, stream, work.state, static_cast<const T*>(work.table),
               static_cast<const T*>(work.positions), work.scale, work.channels, work.x);
  check_launch("embed");
}

template <typename Work>
void dispatch(const Work& work, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_element(work.element, [&]<typename T>(T) { launch<T>(work, queue); });
}

}  // namespace

bool token_kernels_supported(int channels, int heads, int feed_forward, Element element) {
  const auto takes = [](int width, int most) { return width > 0 && width % 8 == 0 && width <= most; };
  if (!takes(channels, kMostChannels) || !takes(feed_forward, kSlices * kMostChannels)) return false;
  if (heads < 1 || channels % heads != 0) return false;
  const auto head_bytes = static_cast<std::size_t>(channels / heads) * element_bytes(element);
  return head_bytes == 32 || head_bytes == 64 || head_bytes == 128 || head_bytes == 256;
}

void embed_token_cuda(const TokenEmbedding& work, void* stream) {
  dispatch(work, stream);
}

void token_linear_cuda(const TokenLinear& work, void* stream) {
  dispatch(work, stream);
}

}  // namespace liveedit::kernels
