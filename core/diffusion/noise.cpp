// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/noise.h"

#include <ATen/CPUGeneratorImpl.h>

namespace liveedit::diffusion {

std::vector<at::Tensor> draw_noise(std::int64_t seed, const std::vector<std::vector<std::int64_t>>& shapes) {
  const at::Generator generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed));
  std::vector<at::Tensor> noise;
  noise.reserve(shapes.size());
  for (const auto& shape : shapes) noise.push_back(at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat)));
  return noise;
}

}  // namespace liveedit::diffusion
