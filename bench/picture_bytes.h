// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#ifdef LIVEEDIT_BENCH_CUDA
#include <cuda_runtime_api.h>
#endif

#include "core/api/error.h"

namespace liveedit::bench {

// The bytes of a picture, in the computer's memory or a copy of them in the GPU's.
class PictureBytes {
 public:
  PictureBytes() = default;
  // Throws Error(kUnavailable) where there is no GPU memory to be had.
  PictureBytes(std::vector<std::uint8_t> bytes, bool on_gpu) : host_(std::move(bytes)) {
    if (on_gpu) move_to_gpu();
  }

  std::uint8_t* data() { return device_ ? device_.get() : host_.data(); }

 private:
#ifdef LIVEEDIT_BENCH_CUDA
  void move_to_gpu() {
    void* bytes = nullptr;
    if (cudaMalloc(&bytes, host_.size()) != cudaSuccess) fail();
    device_ = std::shared_ptr<std::uint8_t>(static_cast<std::uint8_t*>(bytes), [](std::uint8_t* p) { cudaFree(p); });
    if (cudaMemcpy(bytes, host_.data(), host_.size(), cudaMemcpyHostToDevice) != cudaSuccess) fail();
  }
#else
  [[noreturn]] void move_to_gpu() {
    fail();
  }
#endif

  [[noreturn]] static void fail() {
    throw Error(ErrorKind::kUnavailable, "No memory of a GPU is to be had here; leave --memory away.");
  }

  std::vector<std::uint8_t> host_;
  std::shared_ptr<std::uint8_t> device_;
};

}  // namespace liveedit::bench
