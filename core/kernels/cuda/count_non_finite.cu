// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/kernels/cuda/launch.h"
#include "core/kernels/frame_convert.h"
#include "core/kernels/pixel_math.h"

namespace liveedit::kernels {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kMostBlocks = 264;

// Whole numbers are added: the result does not depend on the order.
template <typename Stored>
__global__ void count_values(const typename Stored::Raw* values, std::uint64_t length, std::uint32_t* counter) {
  std::uint32_t found = 0;
  const std::uint64_t step = static_cast<std::uint64_t>(gridDim.x) * kThreads;
  for (std::uint64_t i = blockIdx.x * kThreads + threadIdx.x; i < length; i += step) {
    found += (values[i] & Stored::kExponent) == Stored::kExponent;
  }
  for (int lane = 16; lane > 0; lane /= 2) found += __shfl_down_sync(0xffffffffu, found, lane);
  if (threadIdx.x % 32 == 0 && found > 0) atomicAdd(counter, found);
}

template <typename Stored>
void launch(const void* data, std::uint64_t length, std::uint32_t* counter, cudaStream_t stream) {
  if (length == 0) return;
  const unsigned blocks = std::min(blocks_for(length, kThreads), kMostBlocks);
  count_values<Stored>
      <<<blocks, kThreads, 0, stream>>>(static_cast<const typename Stored::Raw*>(data), length, counter);
  check_launch("count_non_finite");
}

}  // namespace

void count_non_finite_cuda(const void* data, Element element, std::uint64_t length, std::uint32_t* counter,
                           void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_stored(element, [&]<typename Stored>(Stored) { launch<Stored>(data, length, counter, queue); });
}

}  // namespace liveedit::kernels
