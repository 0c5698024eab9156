// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/matting/matte_runner.h"

namespace liveedit::runtime {

// Frames in flight that keep the copies of one frame beside the work on another.
inline constexpr int kCudaMatteDepth = 2;

std::unique_ptr<matting::MatteRunner> make_cuda_matte_runner(std::shared_ptr<const matting::Model> model,
                                                             bool use_graph);

}  // namespace liveedit::runtime
