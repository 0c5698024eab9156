// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_repeated_work.h"

#include <exception>
#include <string>

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include "core/runtime/log.h"

namespace liveedit::runtime {

void CudaRepeatedWork::run() {
  if (graph_) {
    graph_->replay();
    return;
  }
  work_();
  // Captured by the same thread at once: libraries keep what they have prepared a thread, and cannot prepare anything
  // within a capture.
  if (!cannot_capture_) capture();
}

void CudaRepeatedWork::capture() {
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  try {
    // Other threads (other streams, prompts being encoded) go on using the device meanwhile.
    graph->capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    work_();
    graph->capture_end();
    graph_ = std::move(graph);
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    abandon(*graph);
    cannot_capture_ = true;
    log(LogLevel::kWarning, "This model's work cannot be captured as a CUDA graph and runs without one, slower (" +
                                reason.substr(0, reason.find('\n')) + ").");
  }
}

// Ends a capture that failed; nothing of it ran. Either step may say that there is nothing left to end.
void CudaRepeatedWork::abandon(at::cuda::CUDAGraph& graph) const {
  try {
    graph.capture_end();
    return;
  } catch (const std::exception&) {
    cudaGetLastError();
  }
  try {
    c10::cuda::CUDACachingAllocator::endAllocateToPool(c10::cuda::getCurrentCUDAStream().device_index(), pool_);
  } catch (const std::exception&) {
    cudaGetLastError();
  }
}

}  // namespace liveedit::runtime
