// SPDX-License-Identifier: LGPL-2.1-or-later
// Attention of one query a head: a block looks at 64 places of one head, all of whose keys and values are on their way
// at the same time; the last block of a head to end puts the parts together.
#include "core/kernels/cuda/early_launch.cuh"
#include "core/kernels/cuda/element.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/whisper_token.h"

namespace liveedit::kernels {
namespace {

constexpr int kWarp = 32;
constexpr int kWarps = 4;
constexpr int kThreads = kWarp * kWarps;
constexpr int kChunk = 64;

// What a softmax over some of the places gives: the highest score, the sum of e^(score - highest), and then the values
// weighted by it.
constexpr int kHead = 2;

template <typename T>
struct Params {
  const TokenState* state;
  const float* query;
  const T* keys;
  const T* values;
  const float* bias;
  int places;
  float scale;
  float* out;
  float* workspace;
  std::uint32_t* counters;
};

__device__ inline float weight_of(float top, float highest) {
  return top == -INFINITY ? 0.0F : __expf(top - highest);
}

// kLanes lanes hold one head's width of 16 bytes each.
template <typename T, int kLanes>
struct Shape {
  static constexpr int kPer = 16 / static_cast<int>(sizeof(T));
  static constexpr int kDim = kLanes * kPer;
  static constexpr int kGroups = kThreads / kLanes;  // places that the block looks at in one turn
  static constexpr int kTurns = kChunk / kGroups;
  using Pack = Vector<T, kPer>;
};

// Places from `count` on are 0: memory that nobody has written yet may hold no numbers.
template <typename T, int kLanes>
__device__ inline void load_places(const Params<T>& p, int begin, int count,
                                   typename Shape<T, kLanes>::Pack (&keys)[Shape<T, kLanes>::kTurns],
                                   typename Shape<T, kLanes>::Pack (&values)[Shape<T, kLanes>::kTurns]) {
  using S = Shape<T, kLanes>;
  using Pack = typename S::Pack;
  const int group = static_cast<int>(threadIdx.x) / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
#pragma unroll
  for (int turn = 0; turn < S::kTurns; ++turn) {
    const int place = begin + turn * S::kGroups + group;
    const std::int64_t at = (static_cast<std::int64_t>(blockIdx.x) * p.places + place) * S::kDim +
                            static_cast<std::int64_t>(lane) * S::kPer;
    keys[turn] = place < p.places ? *reinterpret_cast<const Pack*>(p.keys + at) : Pack{};
    values[turn] = place < p.places ? *reinterpret_cast<const Pack*>(p.values + at) : Pack{};
  }
#pragma unroll
  for (int turn = 0; turn < S::kTurns; ++turn) {
    if (begin + turn * S::kGroups + group >= count) values[turn] = Pack{};
  }
}

// One lane's share of what a group of lanes has seen.
template <int kPer>
struct Seen {
  float top = -INFINITY;
  float sum = 0;
  float out[kPer] = {};

  __device__ void join_lanes(int distance) {
    const float other_top = __shfl_xor_sync(0xffffffffU, top, distance);
    const float other_sum = __shfl_xor_sync(0xffffffffU, sum, distance);
    const float highest = fmaxf(top, other_top);
    const float mine = weight_of(top, highest);
    const float others = weight_of(other_top, highest);
    top = highest;
    sum = sum * mine + other_sum * others;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      out[i] = out[i] * mine + __shfl_xor_sync(0xffffffffU, out[i], distance) * others;
    }
  }
};

template <typename T, int kLanes>
__device__ inline Seen<Shape<T, kLanes>::kPer> look(
    const Params<T>& p, int begin, int count, const typename Shape<T, kLanes>::Pack (&keys)[Shape<T, kLanes>::kTurns],
    const typename Shape<T, kLanes>::Pack (&values)[Shape<T, kLanes>::kTurns]) {
  using S = Shape<T, kLanes>;
  const int group = static_cast<int>(threadIdx.x) / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  float query[S::kPer];
#pragma unroll
  for (int i = 0; i < S::kPer; ++i) query[i] = p.query[blockIdx.x * S::kDim + lane * S::kPer + i] * p.scale;
  float scores[S::kTurns];
  Seen<S::kPer> seen;
#pragma unroll
  for (int turn = 0; turn < S::kTurns; ++turn) {
    const int place = begin + turn * S::kGroups + group;
    float score = 0;
#pragma unroll
    for (int i = 0; i < S::kPer; ++i) score += query[i] * to_float(keys[turn].values[i]);
#pragma unroll
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
      score += __shfl_xor_sync(0xffffffffU, score, distance);
    }
    if (p.bias != nullptr && place < count) score += p.bias[place];
    scores[turn] = place < count ? score : -INFINITY;
    seen.top = fmaxf(seen.top, scores[turn]);
  }
#pragma unroll
  for (int turn = 0; turn < S::kTurns; ++turn) {
    const float weight = weight_of(scores[turn], seen.top);
    seen.sum += weight;
#pragma unroll
    for (int i = 0; i < S::kPer; ++i) seen.out[i] += weight * to_float(values[turn].values[i]);
  }
  return seen;
}

// Parts [count][kHead + kDim] as one softmax; each of the first kDim threads makes one element.
template <int kDim>
__device__ inline void join_parts(const float* parts, int count, float& top, float& sum, float& out) {
  const int i = static_cast<int>(threadIdx.x);
  top = -INFINITY;
  for (int part = 0; part < count; ++part) top = fmaxf(top, parts[part * (kHead + kDim)]);
  sum = 0;
  out = 0;
  for (int part = 0; part < count; ++part) {
    const float* from = parts + part * (kHead + kDim);
    const float weight = weight_of(from[0], top);
    sum += from[1] * weight;
    out += from[kHead + i] * weight;
  }
}

template <typename T, int kLanes, bool kOverSound>
__global__ void __launch_bounds__(kThreads) attend_token(const Params<T> p) {
  using S = Shape<T, kLanes>;
  __shared__ float parts[kWarps * (kHead + S::kDim)];
  __shared__ bool last;
  const int begin = static_cast<int>(blockIdx.y) * kChunk;
  typename S::Pack keys[S::kTurns];
  typename S::Pack values[S::kTurns];
  // The sound does not change while tokens are written.
  if (kOverSound && begin < p.state->sounds) load_places<T, kLanes>(p, begin, p.state->sounds, keys, values);
  wait_for_earlier_kernels();
  const int count = kOverSound ? p.state->sounds : p.state->position + 1;
  // The first block has places in any case; it need not wait until it knows how many.
  if (begin > 0 && begin >= count) return;
  if (!kOverSound) load_places<T, kLanes>(p, begin, count, keys, values);

  Seen<S::kPer> seen = look<T, kLanes>(p, begin, count, keys, values);
#pragma unroll
  for (int distance = kLanes; distance < kWarp; distance *= 2) seen.join_lanes(distance);
  const int thread = static_cast<int>(threadIdx.x);
  if (thread % kWarp < kLanes) {
    float* part = parts + thread / kWarp * (kHead + S::kDim);
    part[0] = seen.top;
    part[1] = seen.sum;
#pragma unroll
    for (int i = 0; i < S::kPer; ++i) part[kHead + thread % kWarp * S::kPer + i] = seen.out[i];
  }
  __syncthreads();
  float top = 0, sum = 0, out = 0;
  const bool has_element = thread < S::kDim;
  if (has_element) join_parts<S::kDim>(parts, kWarps, top, sum, out);

  const int chunks = (count + kChunk - 1) / kChunk;
  float* result = p.out + blockIdx.x * S::kDim + thread;
  if (chunks == 1) {
    if (has_element) *result = out / sum;
    return;
  }
  float* head = p.workspace + static_cast<std::int64_t>(blockIdx.x) * gridDim.y * (kHead + S::kDim);
  float* own = head + blockIdx.y * (kHead + S::kDim);
  if (has_element) {
    own[kHead + thread] = out;
    if (thread == 0) {
      own[0] = top;
      own[1] = sum;
    }
  }
  __threadfence();
  __syncthreads();
  if (thread == 0) last = atomicAdd(p.counters + blockIdx.x, 1U) == static_cast<unsigned>(chunks) - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (has_element) {
    join_parts<S::kDim>(head, chunks, top, sum, out);
    *result = out / sum;
  }
  if (thread == 0) p.counters[blockIdx.x] = 0;
}

template <typename T, int kLanes>
void launch_lanes(const TokenAttention& work, cudaStream_t stream) {
  const Params<T> p{work.state,
                    work.query,
                    static_cast<const T*>(work.keys),
                    static_cast<const T*>(work.values),
                    work.bias,
                    work.places,
                    1.0F / sqrtf(static_cast<float>(work.head_dim)),
                    work.out,
                    work.workspace,
                    work.counters};
  const dim3 grid(static_cast<unsigned>(work.heads), blocks_for(static_cast<std::uint64_t>(work.places), kChunk));
  if (work.over_sound) {
    launch_early(attend_token<T, kLanes, true>, grid, kThreads, stream, p);
  } else {
    launch_early(attend_token<T, kLanes, false>, grid, kThreads, stream, p);
  }
  check_launch("attend_token");
}

template <typename T>
void launch(const TokenAttention& work, cudaStream_t stream) {
  switch (work.head_dim * static_cast<int>(sizeof(T)) / 16) {
    case 2:
      return launch_lanes<T, 2>(work, stream);
    case 4:
      return launch_lanes<T, 4>(work, stream);
    case 8:
      return launch_lanes<T, 8>(work, stream);
    default:
      return launch_lanes<T, 16>(work, stream);
  }
}

}  // namespace

std::int64_t token_attention_workspace(int heads, int head_dim, int places) {
  const auto chunks = static_cast<std::int64_t>(blocks_for(static_cast<std::uint64_t>(places), kChunk));
  return heads * chunks * (kHead + head_dim);
}

void token_attention_cuda(const TokenAttention& work, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_element(work.element, [&]<typename T>(T) { launch<T>(work, queue); });
}

}  // namespace liveedit::kernels
