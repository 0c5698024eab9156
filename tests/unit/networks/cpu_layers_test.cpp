// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/networks/layers/conv2d.h"
#include "core/networks/layers/cpu/group_norm.h"
#include "core/networks/layers/cpu/softmax.h"
#include "core/networks/layers/gpu_layers.h"
#include "core/networks/layers/group_norm.h"

namespace liveedit::networks {
namespace {

double max_difference_to(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kFloat) - b.to(at::kFloat)).abs().max().item<double>();
}

at::Tensor picture(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  return at::randn({batch, channels, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
}

TEST(CpuGroupNorm, EqualsTorchForAnyShape) {
  const c10::InferenceMode guard;
  at::manual_seed(1);
  for (const auto& [channels, groups, height, width] :
       {std::tuple{8, 2, 1, 2}, {6, 3, 5, 7}, {64, 32, 16, 16}, {96, 16, 24, 40}, {100, 4, 33, 31}}) {
    // Far from zero: the mean must not swallow the variance.
    const at::Tensor x = picture(2, channels, height, width) + 50;
    const at::Tensor weight = at::randn({channels});
    const at::Tensor bias = at::randn({channels});
    const at::Tensor exact =
        at::group_norm(x.to(at::kDouble), groups, weight.to(at::kDouble), bias.to(at::kDouble), 1e-5);
    const at::Tensor normed = cpu::group_norm_silu(x, groups, weight, bias, 1e-5, false);
    EXPECT_LE(max_difference_to(normed, exact), 2e-4) << channels;
    EXPECT_TRUE(normed.is_contiguous(at::MemoryFormat::ChannelsLast));
    const at::Tensor silu = cpu::group_norm_silu(x, groups, weight, bias, 1e-5, true);
    EXPECT_LE(max_difference_to(silu, at::silu(exact)), 2e-4) << channels;
  }
}

TEST(CpuGroupNorm, RoundsBf16Once) {
  const c10::InferenceMode guard;
  const at::Tensor x = picture(1, 48, 12, 20).to(at::kBFloat16);
  const at::Tensor weight = at::randn({48}).to(at::kBFloat16);
  const at::Tensor bias = at::randn({48}).to(at::kBFloat16);
  const at::Tensor exact =
      at::silu(at::group_norm(x.to(at::kDouble), 8, weight.to(at::kDouble), bias.to(at::kDouble), 1e-5));
  const at::Tensor y = cpu::group_norm_silu(x, 8, weight, bias, 1e-5, true);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(y.to(at::kDouble), exact, 1.0 / 256, 1e-3));
}

TEST(CpuGroupNorm, KeepsNaN) {
  const c10::InferenceMode guard;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    at::Tensor x = picture(1, 32, 4, 4);
    x[0][5][2][1] = std::numeric_limits<float>::quiet_NaN();
    const at::Tensor ones = at::ones({32}).to(dtype);
    EXPECT_TRUE(cpu::group_norm_silu(x.to(dtype), 4, ones, ones, 1e-5, true).isnan().any().item<bool>());
  }
}

TEST(CpuGroupNorm, LeavesOtherLayoutsToTorch) {
  const c10::InferenceMode guard;
  const at::Tensor x = at::randn({2, 32, 6, 5});
  const at::Tensor ones = at::ones({32});
  EXPECT_FALSE(cpu::group_norm_silu(x, 4, ones, ones, 1e-5, true).defined());
  const at::Tensor y = group_norm_silu(x, 4, ones, ones, 1e-5, true);
  EXPECT_LE(max_difference_to(y, at::silu(at::group_norm(x, 4, ones, ones, 1e-5))), 1e-5);
}

TEST(CpuSoftmax, EqualsTorchForAnyLength) {
  const c10::InferenceMode guard;
  for (const std::int64_t length : {1, 15, 16, 17, 77, 576}) {
    const at::Tensor scores = at::randn({37, length}) * 30;
    const at::Tensor exact = (scores.to(at::kDouble) * 0.25).softmax(-1);
    const at::Tensor own = scores.clone();
    cpu::softmax_in_place(own, length, 0.25F);
    EXPECT_LE(max_difference_to(own, exact), 2e-6) << length;
    const at::Tensor half = scores.to(at::kBFloat16);
    const at::Tensor half_exact = (half.to(at::kDouble) * 0.25).softmax(-1);
    cpu::softmax_in_place(half, length, 0.25F);
    EXPECT_LE(max_difference_to(half, half_exact), 1.0 / 256) << length;
  }
}

TEST(CpuSoftmax, KeepsNaNInItsRow) {
  const c10::InferenceMode guard;
  const at::Tensor scores = at::zeros({3, 20});
  scores[1][7] = std::numeric_limits<float>::quiet_NaN();
  cpu::softmax_in_place(scores, 20, 1);
  EXPECT_TRUE(scores[1].isnan().all().item<bool>());
  EXPECT_LE(max_difference_to(scores[0], at::full({20}, 0.05)), 1e-7);
  EXPECT_LE(max_difference_to(scores[2], at::full({20}, 0.05)), 1e-7);
}

at::Tensor wrong_norm(const at::Tensor& x, const at::Tensor&, std::int64_t, const at::Tensor&, const at::Tensor&,
                      double, bool) {
  return at::zeros_like(x);
}
bool wrong_sum(const at::Tensor& x, const at::Tensor&, const at::Tensor&, bool) {
  x.zero_();
  return true;
}

TEST(GpuLayers, CpuDoesNotAskTheGpuKernels) {
  const c10::InferenceMode guard;
  set_gpu_layers({&wrong_norm, &wrong_sum, nullptr});
  const at::Tensor x = picture(1, 32, 6, 5);
  const at::Tensor ones = at::ones({32});
  EXPECT_LE(max_difference_to(group_norm_silu(x, 4, ones, ones, 1e-5, false), at::group_norm(x, 4, ones, ones, 1e-5)),
            1e-5);
  Conv2d conv;
  conv.weight = at::randn({32, 32, 3, 3});
  conv.bias = at::randn({32});
  const at::Tensor plain = at::conv2d(x, conv.weight, conv.bias, {1, 1}, {1, 1});
  EXPECT_TRUE(at::equal(conv.then_add(x, {}), plain));
  EXPECT_TRUE(at::equal(conv.then_add(x, x, true), (plain + x).relu()));
}

}  // namespace
}  // namespace liveedit::networks
