// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include "core/kernels/rvm_layers.h"

namespace liveedit::kernels {

__device__ inline float rvm_sigmoid(float x) {
  return 1.0f / (1.0f + __expf(-x));
}

// Through the exponential function, which overflows to the right limits.
__device__ inline float rvm_tanh(float x) {
  return 1.0f - 2.0f / (1.0f + __expf(2.0f * x));
}

// NaN stays NaN: it is counted where frames end.
__device__ inline float rvm_activate(RvmActivation activation, float x) {
  switch (activation) {
    case RvmActivation::kNone:
      return x;
    case RvmActivation::kRelu:
      return x < 0.0f ? 0.0f : x;
    case RvmActivation::kHardSigmoid:
    case RvmActivation::kHardSwish: {
      float gate = x * (1.0f / 6.0f) + 0.5f;
      gate = gate < 0.0f ? 0.0f : gate > 1.0f ? 1.0f : gate;
      return activation == RvmActivation::kHardSwish ? x * gate : gate;
    }
    case RvmActivation::kSigmoid:
      return rvm_sigmoid(x);
    case RvmActivation::kTanh:
      return rvm_tanh(x);
  }
  return x;
}

// 8 neighbouring channels.
union RvmGroup {
  uint4 bits;
  __half2 pairs[4];
};

__device__ inline void rvm_unpack(const uint4& bits, float (&values)[8]) {
  RvmGroup group;
  group.bits = bits;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = __half22float2(group.pairs[i]);
    values[2 * i] = pair.x;
    values[2 * i + 1] = pair.y;
  }
}

__device__ inline uint4 rvm_pack(const float (&values)[8]) {
  RvmGroup group;
#pragma unroll
  for (int i = 0; i < 4; ++i) group.pairs[i] = __floats2half2_rn(values[2 * i], values[2 * i + 1]);
  return group.bits;
}

}  // namespace liveedit::kernels
