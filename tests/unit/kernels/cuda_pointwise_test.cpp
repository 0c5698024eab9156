// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "core/kernels/pixel_math.h"
#include "core/kernels/pointwise.h"
#include "tests/unit/kernels/device_memory.h"

namespace liveedit::kernels {
namespace {

using test::DeviceBytes;

std::vector<std::uint16_t> draw_halves(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> values(0.0f, 2.0f);
  std::vector<std::uint16_t> halves(count);
  for (auto& half : halves) half = StoredF16::store(values(generator));
  return halves;
}

std::vector<std::uint16_t> halves_of(const DeviceBytes& memory) {
  const auto bytes = memory.read();
  std::vector<std::uint16_t> halves(bytes.size() / 2);
  std::memcpy(halves.data(), bytes.data(), bytes.size());
  return halves;
}

class CudaPointwise : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_gpu()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
  }
};

constexpr int kRows = 1001;
constexpr int kChannels = 72;

TEST_F(CudaPointwise, AddsBiasAndResidualAndCutsBelowZero) {
  const auto x = draw_halves(kRows * kChannels, 1);
  const auto residual = draw_halves(kRows * kChannels, 2);
  const auto bias = draw_halves(kChannels, 3);
  const DeviceBytes bias_bytes(bias.data(), 2 * bias.size());
  const DeviceBytes residual_bytes(residual.data(), 2 * residual.size());
  for (const bool with_residual : {false, true}) {
    for (const bool relu : {false, true}) {
      const DeviceBytes x_bytes(x.data(), 2 * x.size());
      add_bias_cuda({x_bytes.data(), bias_bytes.data(), with_residual ? residual_bytes.data() : nullptr, kRows,
                     kChannels, relu, Element::kF16},
                    nullptr);
      const auto got = halves_of(x_bytes);
      for (std::size_t i = 0; i < got.size(); ++i) {
        float expected = StoredF16::load(x[i]) + StoredF16::load(bias[i % kChannels]);
        if (with_residual) expected += StoredF16::load(residual[i]);
        if (relu) expected = std::max(expected, 0.0f);
        ASSERT_EQ(StoredF16::load(got[i]), StoredF16::load(StoredF16::store(expected))) << i;
      }
    }
  }
}

TEST_F(CudaPointwise, NanPassesTheCutBelowZero_n) {
  std::vector<float> x(4, std::nanf(""));
  const std::vector<float> bias(4, 1.0f);
  const DeviceBytes x_bytes(x.data(), 16);
  const DeviceBytes bias_bytes(bias.data(), 16);
  add_bias_cuda({x_bytes.data(), bias_bytes.data(), nullptr, 1, 4, true, Element::kF32}, nullptr);
  std::memcpy(x.data(), x_bytes.read().data(), 16);
  for (const float value : x) EXPECT_TRUE(std::isnan(value));
}

TEST_F(CudaPointwise, GegluMatchesDoublePrecision) {
  const auto x = draw_halves(kRows * 2 * kChannels, 4);
  const DeviceBytes x_bytes(x.data(), 2 * x.size());
  const DeviceBytes y_bytes(kRows * kChannels * 2);
  geglu_cuda({x_bytes.data(), y_bytes.data(), kRows, kChannels, Element::kF16}, nullptr);
  const auto got = halves_of(y_bytes);
  for (int row = 0; row < kRows; ++row) {
    for (int c = 0; c < kChannels; ++c) {
      const double value = StoredF16::load(x[row * 2 * kChannels + c]);
      const double gate = StoredF16::load(x[row * 2 * kChannels + kChannels + c]);
      const double expected = value * gate * 0.5 * (1 + std::erf(gate / std::sqrt(2.0)));
      ASSERT_NEAR(StoredF16::load(got[row * kChannels + c]), expected, 1e-3 * (1 + std::fabs(expected)));
    }
  }
}

TEST(PointwiseSupport, RefusesRowsThatAreNoWholePieces_n) {
  EXPECT_FALSE(pointwise_supported(3, Element::kF16));
  EXPECT_FALSE(pointwise_supported(0, Element::kF32));
  EXPECT_TRUE(pointwise_supported(4, Element::kF32));
  EXPECT_TRUE(pointwise_supported(64, Element::kBf16));
}

}  // namespace
}  // namespace liveedit::kernels
