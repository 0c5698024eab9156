// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "core/kernels/group_norm.h"
#include "core/kernels/pixel_math.h"
#include "tests/unit/kernels/device_memory.h"

namespace liveedit::kernels {
namespace {

using test::DeviceBytes;

struct Shape {
  int images;
  int positions;
  int channels;
  int groups;
};

std::vector<std::uint8_t> encode(const std::vector<float>& values, Element element) {
  std::vector<std::uint8_t> bytes(values.size() * element_bytes(element));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (element == Element::kF32) {
      std::memcpy(bytes.data() + 4 * i, &values[i], 4);
    } else {
      const std::uint16_t bits = element == Element::kF16 ? StoredF16::store(values[i]) : StoredBf16::store(values[i]);
      std::memcpy(bytes.data() + 2 * i, &bits, 2);
    }
  }
  return bytes;
}

std::vector<double> decode(const std::vector<std::uint8_t>& bytes, Element element) {
  std::vector<double> values(bytes.size() / element_bytes(element));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (element == Element::kF32) {
      float value;
      std::memcpy(&value, bytes.data() + 4 * i, 4);
      values[i] = value;
    } else {
      std::uint16_t bits;
      std::memcpy(&bits, bytes.data() + 2 * i, 2);
      values[i] = element == Element::kF16 ? StoredF16::load(bits) : StoredBf16::load(bits);
    }
  }
  return values;
}

std::vector<double> reference(const std::vector<double>& x, const std::vector<double>& weight,
                              const std::vector<double>& bias, Shape shape, double epsilon, bool silu) {
  std::vector<double> y(x.size());
  const int group_channels = shape.channels / shape.groups;
  for (int image = 0; image < shape.images; ++image) {
    for (int group = 0; group < shape.groups; ++group) {
      const auto index = [&](int position, int channel) {
        return (static_cast<std::size_t>(image) * shape.positions + position) * shape.channels +
               group * group_channels + channel;
      };
      double sum = 0;
      double squares = 0;
      for (int p = 0; p < shape.positions; ++p) {
        for (int c = 0; c < group_channels; ++c) sum += x[index(p, c)];
      }
      const double count = static_cast<double>(shape.positions) * group_channels;
      for (int p = 0; p < shape.positions; ++p) {
        for (int c = 0; c < group_channels; ++c) squares += std::pow(x[index(p, c)] - sum / count, 2);
      }
      const double deviation = std::sqrt(squares / count + epsilon);
      for (int p = 0; p < shape.positions; ++p) {
        for (int c = 0; c < group_channels; ++c) {
          const int channel = group * group_channels + c;
          const double value = (x[index(p, c)] - sum / count) / deviation * weight[channel] + bias[channel];
          y[index(p, c)] = silu ? value / (1 + std::exp(-value)) : value;
        }
      }
    }
  }
  return y;
}

class CudaGroupNorm : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_gpu()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
  }
};

double step_of(Element element) {
  return element == Element::kF32 ? 4e-6 : element == Element::kF16 ? 1.0 / 1024 : 1.0 / 128;
}

// input_biases: how many rows of them, 0, 1 or one an image.
void check(Shape shape, Element element, bool silu, float mean, int input_biases = 0) {
  std::mt19937 generator(static_cast<std::uint32_t>(shape.channels + shape.positions));
  std::normal_distribution<float> values(mean, 1.0f);
  std::normal_distribution<float> scales(0.0f, 1.0f);
  const auto draw = [&](std::size_t count, auto& distribution) {
    std::vector<float> drawn(count);
    for (float& value : drawn) value = distribution(generator);
    return encode(drawn, element);
  };
  const auto channels = static_cast<std::size_t>(shape.channels);
  const auto x = draw(static_cast<std::size_t>(shape.images) * shape.positions * channels, values);
  const auto weight = draw(channels, scales);
  const auto bias = draw(channels, scales);
  const auto input_bias = draw(channels * std::max(1, input_biases), scales);
  const DeviceBytes x_bytes(x.data(), x.size());
  const DeviceBytes y_bytes(x.size());
  const DeviceBytes weight_bytes(weight.data(), weight.size());
  const DeviceBytes bias_bytes(bias.data(), bias.size());
  const DeviceBytes input_bias_bytes(input_bias.data(), input_bias.size());
  GroupNorm norm;
  norm.x = x_bytes.data();
  norm.y = y_bytes.data();
  norm.weight = weight_bytes.data();
  norm.bias = bias_bytes.data();
  if (input_biases > 0) norm.input_bias = input_bias_bytes.data();
  if (input_biases > 1) norm.input_bias_step = shape.channels;
  norm.images = shape.images;
  norm.positions = shape.positions;
  norm.channels = shape.channels;
  norm.groups = shape.groups;
  norm.epsilon = 1e-5f;
  norm.silu = silu;
  norm.element = element;
  ASSERT_TRUE(group_norm_supported(shape.channels, shape.groups, element));
  const DeviceBytes workspace(std::max<std::size_t>(group_norm_workspace_bytes(norm), 1));
  group_norm_cuda(norm, workspace.data(), nullptr);
  const auto first = y_bytes.read();
  const auto got = decode(first, element);
  auto input = decode(x, element);
  const auto added = decode(input_bias, element);
  for (std::size_t i = 0; input_biases > 0 && i < input.size(); ++i) {
    const std::size_t image = i / (static_cast<std::size_t>(shape.positions) * channels);
    input[i] += added[(input_biases > 1 ? image * channels : 0) + i % channels];
  }
  const auto expected = reference(input, decode(weight, element), decode(bias, element), shape, 1e-5, silu);
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], step_of(element) * (1 + std::fabs(expected[i])) * (1 + std::fabs(mean)))
        << shape.positions << 'x' << shape.channels << " at " << i;
  }
  group_norm_cuda(norm, workspace.data(), nullptr);
  EXPECT_EQ(y_bytes.read(), first) << "not the same bits twice";
}

TEST_F(CudaGroupNorm, MatchesDoublePrecision) {
  const Shape shapes[] = {{1, 1, 32, 8},      {2, 64, 1280, 32},  {1, 256, 2560, 32}, {1, 1024, 960, 32},
                          {1, 4096, 320, 32}, {2, 4096, 640, 32}, {1, 4097, 960, 32}, {1, 16384, 128, 32},
                          {3, 77, 64, 16},    {1, 9, 16, 1}};
  for (const Shape shape : shapes) {
    for (const Element element : {Element::kF32, Element::kF16, Element::kBf16}) {
      if (element == Element::kF32 && shape.channels > 2048) continue;  // wider than a block of fp32 takes
      for (const bool silu : {false, true}) check(shape, element, silu, 0.0f);
    }
  }
}

TEST_F(CudaGroupNorm, AddsTheInputBiasFirst) {
  for (const Element element : {Element::kF32, Element::kF16, Element::kBf16}) {
    check({1, 64, 1280, 32}, element, true, 0.0f, 1);
    check({2, 4096, 960, 32}, element, true, 0.0f, 1);
    check({3, 64, 1280, 32}, element, true, 0.0f, 3);
    check({2, 4096, 960, 32}, element, true, 0.0f, 2);
  }
}

TEST_F(CudaGroupNorm, ALargeMeanDoesNotEatTheVariance) {
  check({1, 4096, 320, 32}, Element::kF32, false, 500.0f);
}

TEST(GroupNormSupport, RefusesShapesThatTheKernelCannotTake_n) {
  EXPECT_FALSE(group_norm_supported(30, 4, Element::kF16));
  EXPECT_FALSE(group_norm_supported(12, 3, Element::kF16));
  EXPECT_FALSE(group_norm_supported(1 << 16, 32, Element::kF16));
  EXPECT_FALSE(group_norm_supported(2560, 32, Element::kF32));
  EXPECT_FALSE(group_norm_supported(64, 0, Element::kF32));
  EXPECT_TRUE(group_norm_supported(320, 32, Element::kF16));
}

}  // namespace
}  // namespace liveedit::kernels
