// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_devices.h"

#include <cuda_runtime_api.h>

namespace liveedit::runtime {

std::vector<std::string> list_cuda_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver is an answer, not an error that later calls should see
    return {};
  }
  std::vector<std::string> names;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) {
      cudaGetLastError();
      break;
    }
    names.emplace_back(properties.name);
  }
  return names;
}

}  // namespace liveedit::runtime
