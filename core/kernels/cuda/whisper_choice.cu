// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/cuda/early_launch.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/whisper_token.h"

namespace liveedit::kernels {
namespace {

constexpr int kWarp = 32;
constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarp;
constexpr int kNobody = 0x7fffffff;

// The likeliest of some tokens, and the sum of e^(logit - top) over them.
struct Likely {
  float top = -INFINITY;
  int token = kNobody;
  float sum = 0;

  __device__ void take(int id, float logit) {
    if (!(logit > -INFINITY)) return;
    if (logit > top) {
      sum *= token == kNobody ? 0.0F : __expf(top - logit);
      top = logit;
      token = id;
    }
    sum += __expf(logit - top);
  }
  // Of equals the first.
  __device__ void join(const Likely& other) {
    if (other.token == kNobody) return;
    if (token == kNobody) {
      *this = other;
      return;
    }
    const float highest = fmaxf(top, other.top);
    sum = sum * __expf(top - highest) + other.sum * __expf(other.top - highest);
    if (other.top > top || (other.top == top && other.token < token)) token = other.token;
    top = highest;
  }
  __device__ Likely of_lane(int distance) const {
    Likely other;
    other.top = __shfl_xor_sync(0xffffffffU, top, distance);
    other.token = __shfl_xor_sync(0xffffffffU, token, distance);
    other.sum = __shfl_xor_sync(0xffffffffU, sum, distance);
    return other;
  }
  __device__ void join_warp() {
    for (int distance = kWarp / 2; distance > 0; distance /= 2) join(of_lane(distance));
  }
};

// Ids from `earliest_time` on are the timestamps that may follow, those from `first_word` up to the first timestamp the
// other tokens that may.
struct Allowed {
  int first_word;
  int earliest_time;
};

__device__ inline Allowed allowed_after(const TokenChoice& work) {
  const TokenState& state = *work.state;
  Allowed allowed{0, work.first_timestamp};
  if (!work.timestamps) return allowed;
  if (state.after_pair != 0) {
    allowed.earliest_time = work.vocabulary;
  } else {
    if (state.after_time != 0) allowed.first_word = work.end;
    // The second of a pair may repeat the first; otherwise time moves on.
    if (state.last_time >= 0) allowed.earliest_time = state.last_time + (state.after_time != 0 ? 0 : 1);
  }
  return allowed;
}

__device__ inline void write_choice(const TokenChoice& work, Likely words, const Likely& times) {
  // Timestamps that together are likelier than any word are taken.
  if (work.timestamps && times.token != kNobody && times.top + __logf(times.sum) > words.top) words = Likely();
  words.join(times);
  TokenState& state = *work.state;
  const int token = words.token == kNobody ? work.end : words.token;
  work.tokens[state.chosen] = token;
  work.logprobs[state.chosen] = words.token == kNobody ? -INFINITY : -logf(words.sum);
  const bool is_time = token >= work.first_timestamp;
  state.after_pair = is_time && state.after_time != 0 ? 1 : 0;
  state.after_time = is_time ? 1 : 0;
  if (is_time) state.last_time = token;
  state.token = token;
  ++state.position;
  ++state.chosen;
}

__global__ void __launch_bounds__(kThreads) choose_token(const TokenChoice work) {
  __shared__ Likely all_words[kWarps];
  __shared__ Likely all_times[kWarps];
  wait_for_earlier_kernels();
  const int thread = static_cast<int>(threadIdx.x);
  const Allowed allowed = allowed_after(work);
  Likely words;
  Likely times;
#pragma unroll 8
  for (int id = thread; id < work.vocabulary; id += kThreads) {
    const float logit = work.suppressed[id] != 0 ? -INFINITY : work.logits[id];
    if (id >= work.first_timestamp) {
      if (id >= allowed.earliest_time) times.take(id, logit);
    } else if (id >= allowed.first_word && !(work.timestamps && id == work.first_timestamp - 1)) {
      words.take(id, logit);
    }
  }
  words.join_warp();
  times.join_warp();
  if (thread % kWarp == 0) {
    all_words[thread / kWarp] = words;
    all_times[thread / kWarp] = times;
  }
  __syncthreads();
  if (thread >= kWarp) return;
  words = all_words[thread];
  times = all_times[thread];
  words.join_warp();
  times.join_warp();
  if (thread == 0) write_choice(work, words, times);
}

}  // namespace

void choose_token_cuda(const TokenChoice& work, void* stream) {
  launch_early(choose_token, dim3(1), kThreads, static_cast<cudaStream_t>(stream), work);
  check_launch("choose_token");
}

}  // namespace liveedit::kernels
