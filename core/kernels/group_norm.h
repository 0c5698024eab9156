// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/element.h"

namespace liveedit::kernels {

// Group normalisation (arXiv 1803.08494) of a channels-last tensor, optionally followed by SiLU (x * sigmoid(x)).
// x and y are [images, positions, channels], tightly packed, 16-byte aligned, in `element`; weight and bias [channels]
// in the same. A group is channels / groups neighbouring channels of one image. Statistics and arithmetic are fp32; the
// result is rounded once.
struct GroupNorm {
  const void* x = nullptr;
  void* y = nullptr;  // does not overlap x
  const void* weight = nullptr;
  const void* bias = nullptr;
  // [channels], added to x before everything, or none: a convolution's bias costs nothing here. Every image has its own
  // where input_bias_step is not 0: the elements from one to the next.
  const void* input_bias = nullptr;
  std::int64_t input_bias_step = 0;
  int images = 0;
  std::int64_t positions = 0;  // height * width
  int channels = 0;
  int groups = 0;
  float epsilon = 1e-5f;
  bool silu = false;
  Element element = Element::kF16;
};

// Whether the kernel takes this shape: channels a multiple of groups and of 16 bytes, not too many of them.
bool group_norm_supported(int channels, int groups, Element element);

// Bytes of device memory that group_norm_cuda needs as `workspace` for this shape; 0 where it needs none.
std::size_t group_norm_workspace_bytes(const GroupNorm& norm);

// In order on `stream` (a cudaStream_t of the current device). The same input gives the same bits every time.
// Precondition: group_norm_supported(). Throws Error if the device refuses the work.
void group_norm_cuda(const GroupNorm& norm, void* workspace, void* stream);

}  // namespace liveedit::kernels
