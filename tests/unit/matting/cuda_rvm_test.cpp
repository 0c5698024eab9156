// SPDX-License-Identifier: LGPL-2.1-or-later
// Our GPU layers against the same network in fp32 on the CPU, layer by layer and as a whole.
#include <cstdlib>
#include <filesystem>

#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAFunctions.h>
#include <gtest/gtest.h>

#include "core/networks/rvm/rvm.h"
#include "core/runtime/cuda_rvm.h"

namespace liveedit::runtime {
namespace {

namespace rvm = networks::rvm;
namespace fs = std::filesystem;
using rvm::Activation;
using rvm::Conv;

// Root mean square of the difference over that of the reference.
double relative(const at::Tensor& made, const at::Tensor& reference) {
  EXPECT_EQ(made.sizes(), reference.sizes());
  if (made.sizes() != reference.sizes()) return 1e9;
  const at::Tensor difference = made.to(at::kCPU).to(at::kFloat) - reference;
  return difference.square().mean().sqrt().item<double>() / reference.square().mean().sqrt().item<double>();
}

class CudaRvm : public testing::Test {
 protected:
  void SetUp() override {
    if (c10::cuda::device_count() == 0) GTEST_SKIP() << "no GPU here";
    at::manual_seed(3);
  }

  static at::Tensor picture(std::int64_t channels, std::int64_t height, std::int64_t width) {
    return at::randn({1, channels, height, width})
        .to(at::kHalf)
        .to(at::kFloat)
        .contiguous(at::MemoryFormat::ChannelsLast);
  }
  static at::Tensor on_gpu(const at::Tensor& x) {
    return x.to(at::kCUDA).to(at::kHalf).contiguous(at::MemoryFormat::ChannelsLast);
  }
  // The same convolution in fp32 on the CPU and in fp16 on the GPU.
  static std::pair<Conv, Conv> convs(const rvm::ConvShape& shape) {
    Conv cpu;
    cpu.shape = shape;
    const std::int64_t in = shape.in / shape.groups;
    cpu.weight = (at::randn({shape.out, in, shape.kernel, shape.kernel}) / std::sqrt(in * shape.kernel * shape.kernel))
                     .to(at::kHalf)
                     .to(at::kFloat)
                     .contiguous(at::MemoryFormat::ChannelsLast);
    cpu.bias = at::randn({shape.out});
    Conv gpu = cpu;
    gpu.weight = on_gpu(cpu.weight);
    gpu.bias = cpu.bias.to(at::kCUDA).to(at::kHalf);
    gpu.float_bias = cpu.bias.to(at::kCUDA);
    if (shape.groups > 1) gpu.taps = gpu.weight.permute({2, 3, 0, 1}).squeeze(3).contiguous();
    return {cpu, gpu};
  }

  const rvm::GpuLayers layers_ = cuda_rvm_layers();
};

TEST_F(CudaRvm, ConvolutionsOfAllShapes) {
  const c10::InferenceMode inference;
  const rvm::ConvShape shapes[] = {
      {.in = 8, .out = 16, .kernel = 3, .stride = 2, .activation = Activation::kHardSwish},
      {.in = 8, .out = 64, .kernel = 7, .stride = 2, .activation = Activation::kRelu},
      {.in = 16, .out = 64, .activation = Activation::kRelu},
      {.in = 184, .out = 80},
      {.in = 160, .out = 960, .activation = Activation::kHardSwish},
      {.in = 960, .out = 128, .activation = Activation::kRelu},
      {.in = 40, .out = 16, .kernel = 3, .activation = Activation::kRelu},
      {.in = 176, .out = 80, .kernel = 3, .activation = Activation::kSigmoid},
      {.in = 512, .out = 512, .kernel = 3, .dilation = 2, .activation = Activation::kRelu},
      {.in = 24, .out = 72, .activation = Activation::kTanh},
      {.in = 64, .out = 128, .kernel = 3, .activation = Activation::kRelu},
  };
  for (const rvm::ConvShape& shape : shapes) {
    for (const auto& [height, width] : {std::pair{33, 45}, {1, 1}, {130, 141}}) {
      if (shape.in == 512 && height > 100) continue;
      const auto [cpu, gpu] = convs(shape);
      const at::Tensor x = picture(shape.in, height, width);
      EXPECT_LT(relative(layers_.conv(gpu, on_gpu(x), {}, {}, {}), cpu(x)), 2e-3)
          << shape.in << " -> " << shape.out << " kernel " << shape.kernel << " at " << height << "x" << width;
    }
  }
}

TEST_F(CudaRvm, ResidualAndScale) {
  const c10::InferenceMode inference;
  const auto [cpu, gpu] = convs({.in = 72, .out = 40, .activation = Activation::kRelu});
  const at::Tensor x = picture(72, 37, 29);
  const at::Tensor residual = picture(40, 37, 29);
  const at::Tensor scale = at::rand({40});
  EXPECT_LT(relative(layers_.conv(gpu, on_gpu(x), on_gpu(residual), {}, {}), cpu.then_add(x, residual)), 2e-3);
  EXPECT_LT(relative(layers_.conv(gpu, on_gpu(x), {}, scale.to(at::kCUDA), {}), cpu(x) * scale.view({1, 40, 1, 1})),
            2e-3);
}

TEST_F(CudaRvm, DepthwiseOfAllShapes) {
  const c10::InferenceMode inference;
  const rvm::ConvShape shapes[] = {
      {.in = 16, .out = 16, .kernel = 3, .groups = 16, .activation = Activation::kRelu},
      {.in = 64, .out = 64, .kernel = 3, .stride = 2, .groups = 64, .activation = Activation::kRelu},
      {.in = 72, .out = 72, .kernel = 5, .stride = 2, .groups = 72, .activation = Activation::kHardSwish},
      {.in = 672, .out = 672, .kernel = 5, .dilation = 2, .groups = 672, .activation = Activation::kHardSwish}};
  for (const rvm::ConvShape& shape : shapes) {
    const auto [cpu, gpu] = convs(shape);
    for (const auto& [height, width] : {std::pair{33, 45}, {17, 30}, {5, 3}, {1, 1}}) {
      const at::Tensor x = picture(shape.in, height, width);
      EXPECT_LT(relative(layers_.conv(gpu, on_gpu(x), {}, {}, {}), cpu(x)), 2e-3)
          << shape.in << " at " << height << "x" << width;
    }
  }
}

TEST_F(CudaRvm, SqueezeAndScale) {
  const c10::InferenceMode inference;
  const auto [cpu1, gpu1] = convs({.in = 120, .out = 32, .activation = Activation::kRelu});
  const auto [cpu2, gpu2] = convs({.in = 32, .out = 120, .activation = Activation::kHardSigmoid});
  const at::Tensor x = picture(120, 31, 53) + 0.5;
  const at::Tensor expected = cpu2(cpu1(x.mean({2, 3}, true)));
  const at::Tensor made = layers_.squeeze(on_gpu(x), gpu1, &gpu2);
  EXPECT_LT(relative(made.view({1, 120, 1, 1}), expected), 2e-3);
  const auto [project, gpu_project] = convs({.in = 120, .out = 40});
  EXPECT_LT(relative(layers_.conv(gpu_project, on_gpu(x), {}, {}, made), project(x * expected)), 2e-3);
}

TEST_F(CudaRvm, MeansOfALargePictureAreTakenInParts) {
  const c10::InferenceMode inference;
  const auto [cpu, gpu] = convs({.in = 72, .out = 24, .activation = Activation::kRelu});
  for (const auto& [height, width] : {std::pair{61, 67}, {130, 141}, {1, 1}}) {
    const at::Tensor x = picture(72, height, width) + 0.5;
    const at::Tensor expected = cpu(x.to(at::kHalf).to(at::kFloat).mean({2, 3}, true));
    EXPECT_LT(relative(layers_.squeeze(on_gpu(x), gpu, nullptr).view({1, 24, 1, 1}), expected), 2e-3) << height;
  }
}

TEST_F(CudaRvm, PyramidJoinAndNormalise) {
  const c10::InferenceMode inference;
  for (const auto& [height, width] : {std::pair{45, 77}, {64, 32}, {1, 1}, {7, 9}}) {
    const at::Tensor x = at::rand({1, 3, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor gpu = x.to(at::kCUDA);
    at::Tensor expected = x;
    for (const at::Tensor& made : layers_.pyramid(gpu)) {
      expected = at::avg_pool2d(expected, {2, 2}, {2, 2}, {0, 0}, true, false);
      EXPECT_LT(relative(made, expected), 1e-6);
    }
    const at::Tensor normal = layers_.normalise(gpu, {0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F});
    const at::Tensor means = at::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
    const at::Tensor deviations = at::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
    EXPECT_LT(relative(normal.narrow(1, 0, 3), (x - means) / deviations), 1e-3);
    EXPECT_EQ(normal.narrow(1, 3, 5).count_nonzero().item<std::int64_t>(), 0);

    const at::Tensor below = picture(48, (height + 1) / 2, (width + 1) / 2);
    const at::Tensor state = picture(24, (height + 1) / 2, (width + 1) / 2);
    const at::Tensor features = picture(16, height, width);
    const at::Tensor large = at::upsample_bilinear2d(at::cat({below.narrow(1, 0, 24), state}, 1),
                                                     {2 * below.size(2), 2 * below.size(3)}, false)
                                 .slice(2, 0, height)
                                 .slice(3, 0, width);
    const at::Tensor joined = at::cat({large, features, x, at::zeros({1, 5, height, width})}, 1);
    EXPECT_LT(relative(layers_.join(on_gpu(below).narrow(1, 0, 24), on_gpu(state), on_gpu(features), gpu), joined),
              1e-3);
  }
}

TEST_F(CudaRvm, GruChangesItsStateInPlace) {
  const c10::InferenceMode inference;
  for (const std::int64_t half : {16, 24, 64}) {
    const auto [gates, gpu_gates] =
        convs({.in = 2 * half, .out = 2 * half, .kernel = 3, .activation = Activation::kSigmoid});
    const auto [candidate, gpu_candidate] =
        convs({.in = 2 * half, .out = half, .kernel = 3, .activation = Activation::kTanh});
    const at::Tensor x = picture(2 * half, 35, 21);
    const at::Tensor state = picture(half, 35, 21);
    const at::Tensor moving = x.narrow(1, half, half);
    const at::Tensor both = gates(at::cat({moving, state}, 1));
    const at::Tensor next = candidate(at::cat({moving, both.narrow(1, 0, half) * state}, 1));
    const at::Tensor expected = at::lerp(state, next, both.narrow(1, half, half));
    const at::Tensor gpu_x = on_gpu(x);
    const at::Tensor gpu_state = on_gpu(state);
    layers_.gru(gpu_gates, gpu_candidate, gpu_x.narrow(1, half, half), gpu_state);
    EXPECT_LT(relative(gpu_state, expected), 3e-3) << half;
  }
}

// The whole network, frame after frame: what fp16 leaves of it.
TEST_F(CudaRvm, TheWholeNetworkFollowsTheOneOfTheCpu) {
  const c10::InferenceMode inference;
  rvm::set_gpu_layers(layers_);
  const fs::path golden = fs::path(LIVEEDIT_BUILD_DIR) / "golden/rvm";
  for (const char* name : {"mobilenetv3", "mobilenetv3_fast", "resnet50"}) {
    const auto file = weights::Checkpoint::open(golden / (std::string(name) + ".safetensors"));
    const rvm::Rvm cpu(file, {});
    const rvm::Rvm gpu(file, {at::kHalf, at::Device(at::kCUDA, 0), 8});
    const rvm::Rvm plain(file, {at::kFloat, at::Device(at::kCUDA, 0), 1});
    rvm::States cpu_states = cpu.first_states(75, 101);
    rvm::States gpu_states = gpu.first_states(75, 101);
    rvm::States plain_states = plain.first_states(75, 101);
    const at::Tensor base = at::rand({1, 3, 75, 101}).contiguous(at::MemoryFormat::ChannelsLast);
    for (int frame = 0; frame < 4; ++frame) {
      const at::Tensor x = at::roll(base, {3 * frame}, {3}).contiguous(at::MemoryFormat::ChannelsLast);
      const bool refine = frame % 2 == 1;
      const rvm::GuidedFilter expected = cpu(x, cpu_states, refine);
      const rvm::GuidedFilter made = gpu(x.to(at::kCUDA), gpu_states, refine);
      const rvm::GuidedFilter made_plain = plain(x.to(at::kCUDA), plain_states, refine);
      EXPECT_LT(relative(made.b, expected.b), 2e-2) << name << " frame " << frame;
      EXPECT_LT(relative(made_plain.b, expected.b), 2e-3) << name << " frame " << frame;
      if (refine) {
        EXPECT_LT(relative(made.a, expected.a), 2e-2) << name << " frame " << frame;
      }
      for (int i = 0; i < 4; ++i) {
        const at::Tensor state = gpu_states[i].slice(1, 0, cpu_states[i].size(1));
        EXPECT_LT(relative(state, cpu_states[i]), 2e-2) << name << " state " << i << " frame " << frame;
      }
    }
  }
}

}  // namespace
}  // namespace liveedit::runtime
