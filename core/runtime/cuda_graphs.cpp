// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_graphs.h"

#include <algorithm>
#include <exception>

#include "core/runtime/log.h"

namespace liveedit::runtime {
namespace {

constexpr std::size_t kMostGraphs = 4;

at::Tensor picture_of(const FrameWork& work, const at::Tensor& picture) {
  return work.run(picture).to(picture.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

at::Tensor CudaGraphs::run(const FrameWork& work, const at::Tensor& picture) {
  if (!enabled_) return picture_of(work, picture);
  Entry& entry = find(work, picture);
  if (entry.seen && !entry.graph && !entry.cannot_capture) capture(entry);
  entry.seen = true;
  if (!entry.graph) return picture_of(entry.work, picture);
  entry.graph->replay();
  return entry.result;
}

CudaGraphs::Entry& CudaGraphs::find(const FrameWork& work, const at::Tensor& picture) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.work.key == work.key && entry.picture.is_same(picture);
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front();
  }
  // A graph that may still run on the device is only forgotten after it: its destruction waits for nothing.
  if (entries_.size() == kMostGraphs) {
    c10::cuda::getCurrentCUDAStream().synchronize();
    entries_.pop_back();
  }
  Entry& entry = entries_.emplace_front();
  entry.work = work;
  entry.picture = picture;
  return entry;
}

void CudaGraphs::capture(Entry& entry) {
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  // Other threads (prompts being encoded, other streams) go on using the device meanwhile.
  graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    entry.result = picture_of(entry.work, entry.picture);
    graph->capture_end();
    entry.graph = std::move(graph);
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    try {
      graph->capture_end();
    } catch (const std::exception&) {
      cudaGetLastError();  // the broken capture is over; nothing of it ran
    }
    entry.result = at::Tensor();
    entry.cannot_capture = true;
    log(LogLevel::kWarning, "This model's work cannot be captured as a CUDA graph and runs without one, slower (" +
                                reason.substr(0, reason.find('\n')) + ").");
  }
}

}  // namespace liveedit::runtime
