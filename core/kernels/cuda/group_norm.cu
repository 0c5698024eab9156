// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/group_norm.h"

#include <algorithm>

#include "core/kernels/cuda/element.cuh"
#include "core/kernels/cuda/launch.h"

// Two ways, chosen by size. A group that fits the first-level cache is one block's work: it reads the group twice, the
// second time from the cache. Larger ones take two kernels over whole rows: partial sums, then normalisation. Sums are
// taken of x minus the group's first value, so that a large mean does not eat the variance's digits. Nothing is added
// atomically: the order of sums is fixed.
namespace liveedit::kernels {
namespace {

constexpr int kMostThreads = 512;
constexpr int kGroupThreads = 1024;
constexpr int kWarp = 32;
constexpr std::int64_t kMostBytesInOneBlock = 128 * 1024;
constexpr int kMostChunks = 256;

__device__ float2 add(float2 a, float2 b) {
  return make_float2(a.x + b.x, a.y + b.y);
}

__device__ float2 warp_sum(float2 value) {
  for (int lane = kWarp / 2; lane > 0; lane /= 2) {
    value = add(value,
                make_float2(__shfl_xor_sync(0xffffffffu, value.x, lane), __shfl_xor_sync(0xffffffffu, value.y, lane)));
  }
  return value;
}

// {sum, sum of squares} of x - shift -> {mean, 1 / deviation}
__device__ float2 moments(float2 sums, float shift, float count, float epsilon) {
  const float offset = sums.x / count;
  const float variance = fmaxf(sums.y / count - offset * offset, 0.0f);
  return make_float2(shift + offset, rsqrtf(variance + epsilon));
}

// What is added to x before everything; values nullptr: nothing.
template <typename T>
struct InputBias {
  const T* values;
  std::int64_t step;

  // Of the block's own image.
  __device__ float operator[](int channel) const {
    return values == nullptr ? 0.0f : to_float(values[blockIdx.y * step + channel]);
  }
};

template <typename T, bool kSilu>
__device__ T normalised(T value, float input_bias, float2 moment, T weight, T bias) {
  const float result = (to_float(value) + input_bias - moment.x) * moment.y * to_float(weight) + to_float(bias);
  return from_float<T>(kSilu ? silu(result) : result);
}

// One block a group; kCount divides the channels of a group.
template <typename T, int kCount, bool kSilu>
__global__ void __launch_bounds__(kGroupThreads)
    normalise_group(const T* x, T* y, InputBias<T> input_bias, const T* weight, const T* bias, std::int64_t positions,
                    int channels, int group_channels, float epsilon) {
  using Pack = Vector<T, kCount>;
  __shared__ float2 warp_sums[kGroupThreads / kWarp];
  const int first = static_cast<int>(blockIdx.x) * group_channels;
  const std::int64_t image = static_cast<std::int64_t>(blockIdx.y) * positions * channels + first;
  const int packs = group_channels / kCount;
  const int column = static_cast<int>(threadIdx.x) % packs * kCount;
  const int first_row = static_cast<int>(threadIdx.x) / packs;
  const int row_step = static_cast<int>(blockDim.x) / packs;
  const bool active = first_row < row_step;
  const float shift = to_float(x[image]) + input_bias[first];
  float added[kCount];
  for (int i = 0; i < kCount; ++i) added[i] = input_bias[first + column + i];
  float2 sums = make_float2(0, 0);
  if (active) {
#pragma unroll 4
    for (std::int64_t row = first_row; row < positions; row += row_step) {
      const Pack pack = *reinterpret_cast<const Pack*>(x + image + row * channels + column);
      for (int i = 0; i < kCount; ++i) {
        const float value = to_float(pack.values[i]) + added[i] - shift;
        sums = add(sums, make_float2(value, value * value));
      }
    }
  }
  sums = warp_sum(sums);
  if (threadIdx.x % kWarp == 0) warp_sums[threadIdx.x / kWarp] = sums;
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  sums = warp_sum(lane < static_cast<int>(blockDim.x) / kWarp ? warp_sums[lane] : make_float2(0, 0));
  if (!active) return;
  const float2 moment = moments(sums, shift, static_cast<float>(positions) * group_channels, epsilon);
  const Pack scale = *reinterpret_cast<const Pack*>(weight + first + column);
  const Pack offset = *reinterpret_cast<const Pack*>(bias + first + column);
#pragma unroll 4
  for (std::int64_t row = first_row; row < positions; row += row_step) {
    Pack pack = *reinterpret_cast<const Pack*>(x + image + row * channels + column);
    for (int i = 0; i < kCount; ++i) {
      pack.values[i] = normalised<T, kSilu>(pack.values[i], added[i], moment, scale.values[i], offset.values[i]);
    }
    *reinterpret_cast<Pack*>(y + image + row * channels + column) = pack;
  }
}

// How rows are spread over blocks and threads: a thread keeps its columns, `slots` rows stand side by side in a block.
struct RowPlan {
  int packs;  // 16-byte columns of a row
  int slots;
  int chunks;  // blocks an image
  std::int64_t chunk_rows;
};

template <int kCount>
RowPlan plan_rows(const GroupNorm& norm) {
  RowPlan plan{};
  plan.packs = norm.channels / kCount;
  plan.slots = std::max(1, kMostThreads / plan.packs);
  const std::int64_t rows_at_least = 4 * static_cast<std::int64_t>(plan.slots);
  const std::int64_t chunks = std::max<std::int64_t>(1, (norm.positions + rows_at_least - 1) / rows_at_least);
  plan.chunk_rows =
      (norm.positions + std::min<std::int64_t>(chunks, kMostChunks) - 1) / std::min<std::int64_t>(chunks, kMostChunks);
  plan.chunks = static_cast<int>((norm.positions + plan.chunk_rows - 1) / plan.chunk_rows);
  return plan;
}

// partial[image][chunk][group] = {sum, sum of squares} of x - the group's first value.
template <typename T, int kCount>
__global__ void sum_rows(const T* x, InputBias<T> input_bias, float2* partial, std::int64_t positions, int channels,
                         int groups, RowPlan plan) {
  using Pack = Vector<T, kCount>;
  extern __shared__ float2 channel_sums[];  // [slots][channels]
  const int group_channels = channels / groups;
  const int slot = static_cast<int>(threadIdx.x) / plan.packs;
  const int column = static_cast<int>(threadIdx.x) % plan.packs * kCount;
  const T* image = x + static_cast<std::int64_t>(blockIdx.y) * positions * channels;
  const std::int64_t start = blockIdx.x * plan.chunk_rows;
  const std::int64_t end = min(start + plan.chunk_rows, positions);
  float added[kCount];  // the input bias less the group's first value
  float2 sums[kCount];
  for (int i = 0; i < kCount; ++i) {
    const int start_of_group = (column + i) / group_channels * group_channels;
    const float shift = to_float(image[start_of_group]) + input_bias[start_of_group];
    added[i] = input_bias[column + i] - shift;
    sums[i] = make_float2(0, 0);
  }
#pragma unroll 4
  for (std::int64_t row = start + slot; row < end; row += plan.slots) {
    const Pack pack = *reinterpret_cast<const Pack*>(image + row * channels + column);
    for (int i = 0; i < kCount; ++i) {
      const float value = to_float(pack.values[i]) + added[i];
      sums[i] = add(sums[i], make_float2(value, value * value));
    }
  }
  for (int i = 0; i < kCount; ++i) channel_sums[slot * channels + column + i] = sums[i];
  __syncthreads();
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (warp >= warps) return;  // the last warp may be a part of one
  for (int group = warp; group < groups; group += warps) {
    float2 sum = make_float2(0, 0);
    for (int i = lane; i < plan.slots * group_channels; i += kWarp) {
      sum = add(sum, channel_sums[i / group_channels * channels + group * group_channels + i % group_channels]);
    }
    sum = warp_sum(sum);
    if (lane == 0) partial[(static_cast<std::int64_t>(blockIdx.y) * plan.chunks + blockIdx.x) * groups + group] = sum;
  }
}

template <typename T, int kCount, bool kSilu>
__global__ void normalise_rows(const T* x, T* y, InputBias<T> input_bias, const T* weight, const T* bias,
                               const float2* partial, std::int64_t positions, int channels, int groups, float epsilon,
                               RowPlan plan) {
  using Pack = Vector<T, kCount>;
  extern __shared__ float2 group_moments[];
  const int group_channels = channels / groups;
  const std::int64_t image = static_cast<std::int64_t>(blockIdx.y) * positions * channels;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int group = warp < warps ? warp : groups; group < groups; group += warps) {
    float2 sum = make_float2(0, 0);
    for (int chunk = lane; chunk < plan.chunks; chunk += kWarp) {
      sum = add(sum, partial[(static_cast<std::int64_t>(blockIdx.y) * plan.chunks + chunk) * groups + group]);
    }
    sum = warp_sum(sum);
    const int first = group * group_channels;
    const float shift = to_float(x[image + first]) + input_bias[first];
    if (lane == 0) group_moments[group] = moments(sum, shift, static_cast<float>(positions) * group_channels, epsilon);
  }
  __syncthreads();
  const int slot = static_cast<int>(threadIdx.x) / plan.packs;
  const int column = static_cast<int>(threadIdx.x) % plan.packs * kCount;
  const Pack scale = *reinterpret_cast<const Pack*>(weight + column);
  const Pack offset = *reinterpret_cast<const Pack*>(bias + column);
  float2 moment[kCount];
  float added[kCount];
  for (int i = 0; i < kCount; ++i) {
    moment[i] = group_moments[(column + i) / group_channels];
    added[i] = input_bias[column + i];
  }
  const std::int64_t start = blockIdx.x * plan.chunk_rows;
  const std::int64_t end = min(start + plan.chunk_rows, positions);
#pragma unroll 4
  for (std::int64_t row = start + slot; row < end; row += plan.slots) {
    Pack pack = *reinterpret_cast<const Pack*>(x + image + row * channels + column);
    for (int i = 0; i < kCount; ++i) {
      pack.values[i] = normalised<T, kSilu>(pack.values[i], added[i], moment[i], scale.values[i], offset.values[i]);
    }
    *reinterpret_cast<Pack*>(y + image + row * channels + column) = pack;
  }
}

template <typename T>
InputBias<T> input_bias_of(const GroupNorm& norm) {
  return {static_cast<const T*>(norm.input_bias), norm.input_bias_step};
}

bool fits_one_block(const GroupNorm& norm) {
  const std::int64_t group_bytes =
      norm.positions * (norm.channels / norm.groups) * static_cast<std::int64_t>(element_bytes(norm.element));
  return group_bytes <= kMostBytesInOneBlock;
}

template <typename T, int kCount, bool kSilu>
void launch_groups(const GroupNorm& norm, cudaStream_t stream) {
  const int group_channels = norm.channels / norm.groups;
  const std::int64_t packs = norm.positions * group_channels / kCount;
  const int threads =
      static_cast<int>(std::clamp<std::int64_t>((packs + kWarp - 1) / kWarp * kWarp, 128, kGroupThreads));
  normalise_group<T, kCount, kSilu>
      <<<dim3(static_cast<unsigned>(norm.groups), static_cast<unsigned>(norm.images)), threads, 0, stream>>>(
          static_cast<const T*>(norm.x), static_cast<T*>(norm.y), input_bias_of<T>(norm),
          static_cast<const T*>(norm.weight), static_cast<const T*>(norm.bias), norm.positions, norm.channels,
          group_channels, norm.epsilon);
  check_launch("normalise_group");
}

template <typename T, bool kSilu>
void launch_rows(const GroupNorm& norm, void* workspace, cudaStream_t stream) {
  constexpr int kCount = 16 / sizeof(T);
  const RowPlan plan = plan_rows<kCount>(norm);
  const dim3 grid(static_cast<unsigned>(plan.chunks), static_cast<unsigned>(norm.images));
  const int threads = plan.packs * plan.slots;
  const std::size_t sums_bytes =
      sizeof(float2) * static_cast<std::size_t>(plan.slots) * static_cast<std::size_t>(norm.channels);
  auto* partial = static_cast<float2*>(workspace);
  sum_rows<T, kCount><<<grid, threads, sums_bytes, stream>>>(static_cast<const T*>(norm.x), input_bias_of<T>(norm),
                                                             partial, norm.positions, norm.channels, norm.groups, plan);
  check_launch("sum_rows");
  normalise_rows<T, kCount, kSilu><<<grid, threads, sizeof(float2) * static_cast<std::size_t>(norm.groups), stream>>>(
      static_cast<const T*>(norm.x), static_cast<T*>(norm.y), input_bias_of<T>(norm),
      static_cast<const T*>(norm.weight), static_cast<const T*>(norm.bias), partial, norm.positions, norm.channels,
      norm.groups, norm.epsilon, plan);
  check_launch("normalise_rows");
}

template <typename T, bool kSilu>
void launch(const GroupNorm& norm, void* workspace, cudaStream_t stream) {
  if (!fits_one_block(norm)) return launch_rows<T, kSilu>(norm, workspace, stream);
  const int group_channels = norm.channels / norm.groups;
  constexpr int kWidest = 16 / sizeof(T);
  if (group_channels % kWidest == 0) return launch_groups<T, kWidest, kSilu>(norm, stream);
  if (group_channels % 4 == 0) return launch_groups<T, 4, kSilu>(norm, stream);
  if (group_channels % 2 == 0) return launch_groups<T, 2, kSilu>(norm, stream);
  launch_groups<T, 1, kSilu>(norm, stream);
}

template <typename T>
void launch(const GroupNorm& norm, void* workspace, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  if (norm.silu) {
    launch<T, true>(norm, workspace, queue);
  } else {
    launch<T, false>(norm, workspace, queue);
  }
}

}  // namespace

bool group_norm_supported(int channels, int groups, Element element) {
  const int pack = static_cast<int>(16 / element_bytes(element));
  const int packs = channels / pack;
  return groups > 0 && channels % groups == 0 && channels % pack == 0 && packs >= 1 && packs <= kMostThreads &&
         channels / groups <= kGroupThreads;
}

std::size_t group_norm_workspace_bytes(const GroupNorm& norm) {
  if (fits_one_block(norm)) return 0;
  const RowPlan plan = norm.element == Element::kF32 ? plan_rows<4>(norm) : plan_rows<8>(norm);
  return sizeof(float2) * static_cast<std::size_t>(norm.images) * static_cast<std::size_t>(plan.chunks) *
         static_cast<std::size_t>(norm.groups);
}

void group_norm_cuda(const GroupNorm& norm, void* workspace, void* stream) {
  by_element(norm.element, [&]<typename T>(T) { launch<T>(norm, workspace, stream); });
}

}  // namespace liveedit::kernels
