// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace liveedit::runtime {

// The cudaStream_t on which torch queues the calling thread's work now, for kernels that know nothing of torch.
void* current_cuda_stream();

}  // namespace liveedit::runtime
