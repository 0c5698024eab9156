// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/cuda/launch.h"
#include "core/kernels/rvm_layers.h"

namespace liveedit::kernels {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocks = 128;  // an array

// A number is NaN or infinite where all bits of its exponent are set.
__global__ void count_values(const RvmArrays arrays, std::uint32_t* counter) {
  const RvmArrays::Array& array = arrays.arrays[blockIdx.y];
  std::uint32_t found = 0;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (std::int64_t i = first; i < array.count; i += static_cast<std::int64_t>(kBlocks) * kThreads) {
    if (array.is_half) {
      found += (static_cast<const std::uint16_t*>(array.data)[i] & 0x7c00u) == 0x7c00u;
    } else {
      found += (static_cast<const std::uint32_t*>(array.data)[i] & 0x7f800000u) == 0x7f800000u;
    }
  }
  if (found > 0) atomicAdd(counter, found);
}

__global__ void clear_values(const RvmArrays arrays, const std::uint32_t* counter) {
  if (*counter == 0) return;
  const RvmArrays::Array& array = arrays.arrays[blockIdx.y];
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (std::int64_t i = first; i < array.count; i += static_cast<std::int64_t>(kBlocks) * kThreads) {
    if (array.is_half) {
      static_cast<std::uint16_t*>(array.data)[i] = 0;
    } else {
      static_cast<std::uint32_t*>(array.data)[i] = 0;
    }
  }
}

}  // namespace

void rvm_count_non_finite_cuda(const RvmArrays& arrays, std::uint32_t* counter, void* stream) {
  count_values<<<dim3(kBlocks, static_cast<unsigned>(arrays.used)), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      arrays, counter);
  check_launch("rvm_count_non_finite");
}

void rvm_clear_if_bad_cuda(const RvmArrays& arrays, const std::uint32_t* counter, void* stream) {
  clear_values<<<dim3(kBlocks, static_cast<unsigned>(arrays.used)), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      arrays, counter);
  check_launch("rvm_clear_if_bad");
}

}  // namespace liveedit::kernels
