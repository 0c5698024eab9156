// SPDX-License-Identifier: LGPL-2.1-or-later
// copy_frame() of a build without CUDA.
#include "core/api/error.h"
#include "core/kernels/frame_convert.h"
#include "core/runtime/frame_runner.h"

namespace liveedit::runtime {

void copy_frame(const FrameView& from, const FrameView& to) {
  if (from.memory != MemoryKind::kHost || to.memory != MemoryKind::kHost) {
    throw Error(ErrorKind::kUnavailable, "A frame lies in GPU memory, and this core was built without CUDA.");
  }
  kernels::copy_frame_cpu(from, to);
}

}  // namespace liveedit::runtime
