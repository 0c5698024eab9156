// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include <ATen/ATen.h>

#include "core/networks/rvm/conv.h"
#include "core/networks/rvm/guided_filter.h"

namespace liveedit::networks::rvm {

// What a GPU does in kernels of ours, fp16 and channels-last, with Target::channel_multiple = 8. This room cannot name
// them: what stands above gives them once, before the first frame. Undefined tensors are none.
struct GpuLayers {
  // activation(conv(x * in_scale) + residual) * scale; scales are fp32, one a channel; in_scale for 1x1 only.
  at::Tensor (*conv)(const Conv& conv, const at::Tensor& x, const at::Tensor& residual, const at::Tensor& scale,
                     const at::Tensor& in_scale);
  // The channels' means through one or two layers: [out], fp32. `second` may be null.
  at::Tensor (*squeeze)(const at::Tensor& x, const Conv& first, const Conv* second);
  // [1, 3, h, w], fp32 -> (picture - mean) / deviation, [1, 8, h, w].
  at::Tensor (*normalise)(const at::Tensor& picture, const std::array<float, 3>& mean,
                          const std::array<float, 3>& deviation);
  // The picture at a half, a quarter and an eighth; fp32.
  std::array<at::Tensor, 3> (*pyramid)(const at::Tensor& picture);
  // still and state doubled, features (undefined: none) and picture, one after the other.
  at::Tensor (*join)(const at::Tensor& still, const at::Tensor& state, const at::Tensor& features,
                     const at::Tensor& picture);
  // Changes `state` in place.
  void (*gru)(const Conv& gates, const Conv& candidate, const at::Tensor& x, const at::Tensor& state);
  GuidedFilter (*field)(const Conv& project, const Refiner& refiner, const at::Tensor& picture,
                        const at::Tensor& hidden, bool refine);
};

// Only the first call counts; any thread.
void set_gpu_layers(const GpuLayers& layers);
// nullptr where x is not in fp16 on a GPU, or no layers were given.
const GpuLayers* gpu_layers_for(const at::Tensor& x);

}  // namespace liveedit::networks::rvm
