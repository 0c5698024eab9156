// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "core/api/error.h"

namespace liveedit::kernels {

// Throws where a call for `kernel` gave an error.
inline void check_call(cudaError_t status, const char* kernel) {
  if (status == cudaSuccess) return;
  throw Error(status == cudaErrorMemoryAllocation ? ErrorKind::kOutOfMemory : ErrorKind::kDeviceLost,
              std::string("The GPU refused the kernel ") + kernel + ": " + cudaGetErrorString(status) +
                  ". Restart the program; if it happens again, look for another program that uses up the GPU.");
}

// Throws if the launch before it was refused. A fault of earlier work on the device is reported here too.
inline void check_launch(const char* kernel) {
  check_call(cudaGetLastError(), kernel);
}

inline unsigned blocks_for(std::uint64_t items, unsigned threads) {
  return static_cast<unsigned>((items + threads - 1) / threads);
}

}  // namespace liveedit::kernels
