// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/folded_convs.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

namespace liveedit::networks {
namespace {

Conv2d random_conv(std::int64_t in, std::int64_t out, std::int64_t stride, bool with_bias) {
  Conv2d conv;
  conv.weight = at::randn({out, in, 3, 3}, at::kDouble);
  if (with_bias) conv.bias = at::randn({out}, at::kDouble);
  conv.stride = stride;
  return conv;
}

at::Tensor picture(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return at::randn({2, channels, height, width}, at::kDouble).contiguous(at::MemoryFormat::ChannelsLast);
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

class FoldedConvs : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { at::manual_seed(3); }
  const c10::InferenceMode inference_;
};

TEST_P(FoldedConvs, TheStartEqualsItsTwoConvolutions) {
  const Conv2d first = random_conv(3, 8, 1, GetParam());
  const Conv2d second = random_conv(8, 6, 2, !GetParam());
  const FoldedStart folded(first, second);
  for (const auto& [height, width] : {std::pair{2, 2}, {4, 2}, {2, 6}, {4, 4}, {16, 24}}) {
    const at::Tensor x = picture(3, height, width);
    EXPECT_LE(largest_difference(folded(x), second(first(x))), 1e-10) << height << "x" << width;
  }
}

TEST_P(FoldedConvs, TheEndEqualsUpsamplingAndItsTwoConvolutions) {
  const Conv2d first = random_conv(8, 6, 1, GetParam());
  const Conv2d second = random_conv(6, 3, 1, !GetParam());
  const FoldedEnd folded(first, second);
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 2}, {3, 1}, {2, 2}, {3, 5}, {8, 12}}) {
    const at::Tensor x = picture(8, height, width);
    const at::Tensor y = folded(x);
    EXPECT_LE(largest_difference(y, second(first(at::upsample_nearest2d(x, {2 * height, 2 * width})))), 1e-10)
        << height << "x" << width;
    EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

INSTANTIATE_TEST_SUITE_P(Bias, FoldedConvs, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("OfTheFirst") : std::string("OfTheSecond");
});

}  // namespace
}  // namespace liveedit::networks
