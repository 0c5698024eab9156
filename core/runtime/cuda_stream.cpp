// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_stream.h"

#include <c10/cuda/CUDAStream.h>

namespace liveedit::runtime {

void* current_cuda_stream() {
  return c10::cuda::getCurrentCUDAStream().stream();
}

}  // namespace liveedit::runtime
