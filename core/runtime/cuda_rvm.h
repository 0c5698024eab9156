// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/networks/rvm/gpu_layers.h"

namespace liveedit::runtime {

// Robust Video Matting's layers by our own kernels, on torch's current stream.
networks::rvm::GpuLayers cuda_rvm_layers();

}  // namespace liveedit::runtime
