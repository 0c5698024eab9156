// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/kernels/cuda/launch.h"

// Kernels with one thread a pixel: <<<grid_for(width, height), kBlock>>>. A warp is a piece of a row.
namespace liveedit::kernels {

constexpr unsigned kBlockWidth = 32;
constexpr unsigned kBlockHeight = 8;
const dim3 kBlock(kBlockWidth, kBlockHeight);

inline dim3 grid_for(int width, int height) {
  return dim3(blocks_for(static_cast<std::uint64_t>(width), kBlockWidth),
              blocks_for(static_cast<std::uint64_t>(height), kBlockHeight));
}

// A thread's pixel; it may lie outside, to the right or below.
__device__ inline int column() {
  return static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
}
__device__ inline int line() {
  return static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
}

}  // namespace liveedit::kernels
