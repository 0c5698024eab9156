// SPDX-License-Identifier: LGPL-2.1-or-later
// copy_frame() of a build with CUDA.
#include <c10/cuda/CUDAGuard.h>

#include "core/kernels/frame_convert.h"
#include "core/runtime/cuda_staging.h"
#include "core/runtime/frame_runner.h"

namespace liveedit::runtime {

void copy_frame(const FrameView& from, const FrameView& to) {
  if (from.memory == MemoryKind::kHost && to.memory == MemoryKind::kHost) {
    kernels::copy_frame_cpu(from, to);
    return;
  }
  const int device = from.memory == MemoryKind::kCuda ? from.cuda_device : to.cuda_device;
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
  const auto stream = c10::cuda::getStreamFromPool();
  queue_frame_copy(from, to, stream);
  stream.synchronize();
}

}  // namespace liveedit::runtime
