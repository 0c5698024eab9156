// SPDX-License-Identifier: LGPL-2.1-or-later
// ResNet-50 (arXiv 1512.03385, table 1; torchvision's resnet50 with the stride of each stage in its 3x3 convolution and
// the last stage dilated). The published weights take the picture in 0..1 as it is.
#include <optional>
#include <vector>

#include "core/networks/rvm/encoder.h"
#include "core/networks/rvm/normalisation.h"

namespace liveedit::networks::rvm {
namespace {

constexpr double kNormEps = 1e-5;
constexpr std::int64_t kWidening = 4;

struct Bottleneck {
  at::Tensor operator()(const at::Tensor& x) const {
    return conv3.then_add(conv2(conv1(x)), downsample ? (*downsample)(x) : x);
  }

  Conv conv1;
  Conv conv2;
  Conv conv3;
  std::optional<Conv> downsample;
};

struct StageShape {
  std::int64_t width;
  int blocks;
  std::int64_t stride;
  std::int64_t dilation;
};

// Where a stage is dilated its first block still has the dilation of the stage before it.
constexpr StageShape kStages[] = {{64, 3, 1, 1}, {128, 4, 2, 1}, {256, 6, 2, 1}, {512, 3, 1, 2}};

Bottleneck load_block(const Tensors& tensors, std::int64_t in, const StageShape& shape, bool first,
                      const Target& target) {
  const auto load = [&](const std::string& conv, const std::string& norm, const ConvShape& conv_shape) {
    return load_conv_norm(tensors, conv, norm, kNormEps, conv_shape, target);
  };
  const std::int64_t width = shape.width;
  const std::int64_t out = kWidening * width;
  Bottleneck block;
  block.conv1 = load("conv1", "bn1", {.in = in, .out = width, .activation = Activation::kRelu});
  block.conv2 = load("conv2", "bn2",
                     {.in = width,
                      .out = width,
                      .kernel = 3,
                      .stride = first ? shape.stride : 1,
                      .dilation = first ? 1 : shape.dilation,
                      .activation = Activation::kRelu});
  block.conv3 = load("conv3", "bn3", {.in = width, .out = out, .activation = Activation::kRelu});
  if (first) block.downsample = load("downsample.0", "downsample.1", {.in = in, .out = out, .stride = shape.stride});
  return block;
}

class ResNet50 final : public Encoder {
 public:
  ResNet50(const Tensors& tensors, const Target& target)
      : input_({0, 0, 0}, {1, 1, 1}, target),
        stem_(load_conv_norm(tensors, "conv1", "bn1", kNormEps,
                             {.in = 3, .out = 64, .kernel = 7, .stride = 2, .activation = Activation::kRelu}, target)) {
    std::int64_t in = 64;
    for (const StageShape& shape : kStages) {
      const std::string stage = "layer" + std::to_string(stages_.size() + 1);
      std::vector<Bottleneck> blocks;
      for (int i = 0; i < shape.blocks; ++i) {
        blocks.push_back(load_block(tensors.sub(stage + "." + std::to_string(i)), in, shape, i == 0, target));
        in = kWidening * shape.width;
      }
      stages_.push_back(std::move(blocks));
    }
  }

  Features operator()(const at::Tensor& picture) const override {
    const at::Tensor x = stem_(input_(picture));
    Features features{x, run(0, at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1})), {}, {}};
    features[2] = run(1, features[1]);
    features[3] = run(3, run(2, features[2]));
    return features;
  }

  std::array<std::int64_t, 4> channels() const override { return {64, 256, 512, 2048}; }

 private:
  at::Tensor run(std::size_t stage, at::Tensor x) const {
    for (const Bottleneck& block : stages_[stage]) x = block(x);
    return x;
  }

  Normalisation input_;  // only the network's dtype and number of channels
  Conv stem_;
  std::vector<std::vector<Bottleneck>> stages_;
};

}  // namespace

std::unique_ptr<Encoder> load_resnet50(const Tensors& tensors, const Target& target) {
  return std::make_unique<ResNet50>(tensors, target);
}

}  // namespace liveedit::networks::rvm
