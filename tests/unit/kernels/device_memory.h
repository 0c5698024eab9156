// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace liveedit::kernels::test {

inline void require(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(status));
}

inline bool has_gpu() {
  int count = 0;
  const bool found = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
  cudaGetLastError();
  return found;
}

// Device memory with what was given or, to show that all of it is written, a pattern that no test expects.
class DeviceBytes {
 public:
  explicit DeviceBytes(std::size_t count) : count_(count) {
    require(cudaMalloc(&data_, count));
    require(cudaMemset(data_, 0xcd, count));
  }
  DeviceBytes(const void* bytes, std::size_t count) : DeviceBytes(count) {
    require(cudaMemcpy(data_, bytes, count, cudaMemcpyHostToDevice));
  }
  ~DeviceBytes() { cudaFree(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;

  void* data() const { return data_; }
  // Waits for the device first.
  std::vector<std::uint8_t> read() const {
    require(cudaDeviceSynchronize());
    std::vector<std::uint8_t> bytes(count_);
    require(cudaMemcpy(bytes.data(), data_, count_, cudaMemcpyDeviceToHost));
    return bytes;
  }

 private:
  void* data_ = nullptr;
  std::size_t count_;
};

}  // namespace liveedit::kernels::test
