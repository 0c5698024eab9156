// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/half_linear.h"

#include <gtest/gtest.h>

namespace liveedit::networks {
namespace {

TEST(HalfLinear, MultipliesAsTorchDoesWithTheSameWeights) {
  at::manual_seed(7);
  for (const std::int64_t in : {1, 15, 16, 48, 384, 1000}) {
    for (const std::int64_t rows : {1, 2, 3, 5, 9}) {
      Linear full;
      full.weight = at::randn({77, in}).to(at::kHalf).to(at::kFloat);
      full.bias = at::randn({77});
      const at::Tensor x = at::randn({rows, in});
      const at::Tensor expected = at::linear(x, full.weight, full.bias);
      EXPECT_LT((HalfLinear(full)(x) - expected).abs().max().item<float>(), 2e-4) << in << " x " << rows;
    }
  }
}

TEST(HalfLinear, ReadsTheSmallestAndTheLargestHalves) {
  Linear full;
  full.weight =
      at::tensor({65504.0, -65504.0, 6.103515625e-05, 5.9604644775390625e-08, -5.9604644775390625e-08, 0.0}, at::kFloat)
          .view({6, 1});
  const HalfLinear half(full);
  EXPECT_TRUE(half(at::ones({1, 1})).view({6, 1}).equal(full.weight));
}

TEST(HalfLinear, WeightsBeyondTheRangeAreHeldInIt_n) {
  Linear full;
  full.weight = at::tensor({1e6F, -1e6F}).view({2, 1});
  EXPECT_TRUE(at::isfinite(HalfLinear(full)(at::ones({1, 1}))).all().item<bool>());
}

TEST(HalfLinear, KeepsLeadingDimensionsAndTakesViews) {
  at::manual_seed(8);
  Linear full;
  full.weight = at::randn({8, 4}).to(at::kHalf).to(at::kFloat);
  const at::Tensor x = at::randn({4, 2, 3}).permute({1, 2, 0});  // [2, 3, 4], not contiguous
  const at::Tensor y = HalfLinear(full)(x);
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{2, 3, 8}));
  EXPECT_LT((y - at::linear(x, full.weight)).abs().max().item<float>(), 1e-5);
}

}  // namespace
}  // namespace liveedit::networks
