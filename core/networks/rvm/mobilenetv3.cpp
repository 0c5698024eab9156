// SPDX-License-Identifier: LGPL-2.1-or-later
// MobileNetV3-Large (arXiv 1905.02244, table 1; torchvision's mobilenet_v3_large with the last stage dilated).
#include <optional>
#include <vector>

#include "core/networks/rvm/encoder.h"
#include "core/networks/rvm/gpu_layers.h"
#include "core/networks/rvm/normalisation.h"

namespace liveedit::networks::rvm {
namespace {

constexpr double kNormEps = 1e-3;
// ImageNet's, of R, G, B.
constexpr std::array<float, 3> kMean{0.485F, 0.456F, 0.406F};
constexpr std::array<float, 3> kDeviation{0.229F, 0.224F, 0.225F};

struct BlockShape {
  std::int64_t expanded;
  std::int64_t out;
  std::int64_t kernel;
  std::int64_t squeezed;  // 0: no squeeze-and-excitation
  Activation activation;
  std::int64_t stride;
  std::int64_t dilation;
};

constexpr Activation kRe = Activation::kRelu;
constexpr Activation kHs = Activation::kHardSwish;

constexpr std::int64_t kFirst = 16;
constexpr std::int64_t kLast = 960;
constexpr BlockShape kBlocks[] = {
    {16, 16, 3, 0, kRe, 1, 1},     {64, 24, 3, 0, kRe, 2, 1},     {72, 24, 3, 0, kRe, 1, 1},
    {72, 40, 5, 24, kRe, 2, 1},    {120, 40, 5, 32, kRe, 1, 1},   {120, 40, 5, 32, kRe, 1, 1},
    {240, 80, 3, 0, kHs, 2, 1},    {200, 80, 3, 0, kHs, 1, 1},    {184, 80, 3, 0, kHs, 1, 1},
    {184, 80, 3, 0, kHs, 1, 1},    {480, 112, 3, 120, kHs, 1, 1}, {672, 112, 3, 168, kHs, 1, 1},
    {672, 160, 5, 168, kHs, 1, 2}, {960, 160, 5, 240, kHs, 1, 2}, {960, 160, 5, 240, kHs, 1, 2},
};
// The layers (0 is the stem) after which the resolution halves again, and the last.
constexpr std::size_t kTaps[] = {1, 3, 6};

// How much each channel counts, by what the channels' means say.
struct SqueezeExcite {
  Conv fc1;
  Conv fc2;
};

struct InvertedResidual {
  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor y = depthwise(expand ? (*expand)(x) : x);
    if (const GpuLayers* gpu = gpu_layers_for(y)) {
      const at::Tensor weights = squeeze ? gpu->squeeze(y, squeeze->fc1, &squeeze->fc2) : at::Tensor();
      return gpu->conv(project, y, residual ? x : at::Tensor(), {}, weights);
    }
    if (squeeze) y.mul_(squeeze->fc2(squeeze->fc1(y.mean({2, 3}, true))));
    return residual ? project.then_add(y, x) : project(y);
  }

  std::optional<Conv> expand;
  Conv depthwise;
  std::optional<SqueezeExcite> squeeze;
  Conv project;
  bool residual = false;
};

InvertedResidual load_block(const Tensors& tensors, std::int64_t in, const BlockShape& shape, const Target& target) {
  InvertedResidual block;
  int number = 0;
  const auto next = [&](const ConvShape& conv) {
    const std::string name = "block." + std::to_string(number++);
    return load_conv_norm(tensors, name + ".0", name + ".1", kNormEps, conv, target);
  };
  if (shape.expanded != in) block.expand = next({.in = in, .out = shape.expanded, .activation = shape.activation});
  block.depthwise = next({.in = shape.expanded,
                          .out = shape.expanded,
                          .kernel = shape.kernel,
                          .stride = shape.stride,
                          .dilation = shape.dilation,
                          .groups = shape.expanded,
                          .activation = shape.activation});
  if (shape.squeezed > 0) {
    const std::string name = "block." + std::to_string(number++);
    block.squeeze = SqueezeExcite{
        load_conv(tensors, name + ".fc1",
                  {.in = shape.expanded, .out = shape.squeezed, .activation = Activation::kRelu}, target),
        load_conv(tensors, name + ".fc2",
                  {.in = shape.squeezed, .out = shape.expanded, .activation = Activation::kHardSigmoid}, target)};
  }
  block.project = next({.in = shape.expanded, .out = shape.out});
  block.residual = shape.stride == 1 && in == shape.out;
  return block;
}

class MobileNetV3 final : public Encoder {
 public:
  MobileNetV3(const Tensors& tensors, const Target& target)
      : input_(kMean, kDeviation, target),
        stem_(load_conv_norm(tensors, "features.0.0", "features.0.1", kNormEps,
                             {.in = 3, .out = kFirst, .kernel = 3, .stride = 2, .activation = kHs}, target)) {
    std::int64_t in = kFirst;
    for (const BlockShape& shape : kBlocks) {
      blocks_.push_back(load_block(tensors.sub("features." + std::to_string(blocks_.size() + 1)), in, shape, target));
      in = shape.out;
    }
    const std::string last = "features." + std::to_string(blocks_.size() + 1);
    last_ = load_conv_norm(tensors, last + ".0", last + ".1", kNormEps, {.in = in, .out = kLast, .activation = kHs},
                           target);
  }

  Features operator()(const at::Tensor& picture) const override {
    Features features;
    std::size_t found = 0;
    at::Tensor x = stem_(input_(picture));
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      x = blocks_[i](x);
      if (found < std::size(kTaps) && i + 1 == kTaps[found]) features[found++] = x;
    }
    features[3] = last_(x);
    return features;
  }

  std::array<std::int64_t, 4> channels() const override { return {16, 24, 40, kLast}; }

 private:
  Normalisation input_;
  Conv stem_;
  std::vector<InvertedResidual> blocks_;
  Conv last_;
};

}  // namespace

std::unique_ptr<Encoder> load_mobilenetv3(const Tensors& tensors, const Target& target) {
  return std::make_unique<MobileNetV3>(tensors, target);
}

}  // namespace liveedit::networks::rvm
