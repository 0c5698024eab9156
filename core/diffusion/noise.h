// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

namespace liveedit::diffusion {

// Standard normal fp32 tensors on the CPU, one a shape, drawn one after the other: what
//   g = torch.Generator("cpu").manual_seed(seed); [torch.randn(s, generator=g) for s in shapes]
// gives in Python, bit for bit. Precondition: seed >= 0.
std::vector<at::Tensor> draw_noise(std::int64_t seed, const std::vector<std::vector<std::int64_t>>& shapes);

}  // namespace liveedit::diffusion
