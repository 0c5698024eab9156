// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGraph.h>

#include "core/runtime/frame_runner.h"

namespace liveedit::runtime {

// Runs FrameWork on the current stream: the first time as it is (libraries choose their algorithms then), from the
// second time on as one CUDA graph. Work may change its own tensors, so it runs exactly once a call. Keeps the graphs
// of the last few keys.
class CudaGraphs {
 public:
  explicit CudaGraphs(bool enabled) : enabled_(enabled) {}

  // The result is valid until the next run of the same key; [1, 3, H, W], channels-last, picture's dtype. The current
  // stream must not be the device's default stream.
  at::Tensor run(const FrameWork& work, const at::Tensor& picture);

 private:
  struct Entry {
    FrameWork work;      // keeps what the graph reads and writes alive
    at::Tensor picture;  // the tensor that the graph reads
    at::Tensor result;
    std::unique_ptr<at::cuda::CUDAGraph> graph;
    bool seen = false;
    bool cannot_capture = false;
  };

  Entry& find(const FrameWork& work, const at::Tensor& picture);
  void capture(Entry& entry);

  bool enabled_;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace liveedit::runtime
