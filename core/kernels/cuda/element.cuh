// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "core/kernels/element.h"

namespace liveedit::kernels {

// Calls `work` with a number of the type that `element` stands for:
//   by_element(work.element, [&]<typename T>(T) { launch<T>(work, stream); });
template <typename Work>
void by_element(Element element, Work&& work) {
  visit_element<float, __half, __nv_bfloat16>(element, work);
}

template <typename T>
__device__ inline float to_float(T value);
template <>
__device__ inline float to_float(float value) {
  return value;
}
template <>
__device__ inline float to_float(__half value) {
  return __half2float(value);
}
template <>
__device__ inline float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

template <typename T>
__device__ inline T from_float(float value);
template <>
__device__ inline float from_float(float value) {
  return value;
}
template <>
__device__ inline __half from_float(float value) {
  return __float2half_rn(value);
}
template <>
__device__ inline __nv_bfloat16 from_float(float value) {
  return __float2bfloat16_rn(value);
}

// kCount neighbouring elements, moved by one access.
template <typename T, int kCount>
struct alignas(sizeof(T) * kCount) Vector {
  T values[kCount];
};

__device__ inline float silu(float value) {
  return value / (1.0f + __expf(-value));
}

}  // namespace liveedit::kernels
