// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>

#include <ATen/cuda/CUDAGraph.h>

namespace liveedit::runtime {

// Work over tensors that stay where they are: run as it is the first time (libraries choose their algorithms then),
// and from the second time on as one CUDA graph. Its result must lie in tensors made outside of it.
class CudaRepeatedWork {
 public:
  // Graphs of one `pool` share memory for what lies within them; they must not run at the same time.
  CudaRepeatedWork(std::function<void()> work, at::cuda::MempoolId_t pool) : work_(std::move(work)), pool_(pool) {}

  // On the current stream, which must not be the device's default stream.
  void run();

 private:
  void capture();
  void abandon(at::cuda::CUDAGraph& graph) const;

  std::function<void()> work_;
  at::cuda::MempoolId_t pool_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
  bool cannot_capture_ = false;
};

}  // namespace liveedit::runtime
