// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/half_linear.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "core/networks/whisper/cpu/half_matrix.h"

namespace liveedit::networks {
namespace {

// Largest finite fp16.
constexpr double kHalfLimit = 65504;

// Weights that one thread should have to itself before another is woken.
constexpr std::int64_t kWeightsEach = 1 << 15;

}  // namespace

HalfLinear::HalfLinear(const Linear& full) : weight(full.weight.clamp(-kHalfLimit, kHalfLimit).to(at::kHalf)) {
  if (full.bias.defined()) bias = full.bias.to(at::kFloat);
}

at::Tensor HalfLinear::operator()(const at::Tensor& x) const {
  const at::Tensor input = x.contiguous();
  const std::int64_t in = weight.size(1);
  const std::int64_t out = weight.size(0);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out;
  at::Tensor y = at::empty(shape, x.options());
  const cpu::HalfMatrix matrix{static_cast<const std::uint16_t*>(weight.const_data_ptr()),
                               bias.defined() ? bias.const_data_ptr<float>() : nullptr, out, in};
  const std::int64_t rows = in == 0 ? 0 : input.numel() / in;
  const auto* from = input.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(
      0, out, std::max<std::int64_t>(1, kWeightsEach / std::max<std::int64_t>(1, in)),
      [&](std::int64_t begin, std::int64_t end) { cpu::multiply_rows(matrix, begin, end, from, rows, to); });
  return y;
}

}  // namespace liveedit::networks
