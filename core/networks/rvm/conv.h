// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/networks/rvm/tensors.h"

namespace liveedit::networks::rvm {

enum class Activation { kNone, kRelu, kHardSwish, kHardSigmoid, kSigmoid, kTanh };

at::Tensor activate_in_place(Activation activation, at::Tensor x);

struct ConvShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  Activation activation = Activation::kNone;
};

// A square convolution on [1, in, h, w] with "same" padding, its normalisation folded into it, and what follows it.
// Weights and pictures are channels-last.
struct Conv {
  at::Tensor operator()(const at::Tensor& x) const;
  // The activation comes after the sum.
  at::Tensor then_add(const at::Tensor& x, const at::Tensor& residual) const;

  std::int64_t padding() const { return (shape.kernel - 1) / 2 * shape.dilation; }

  ConvShape shape;
  at::Tensor weight;      // [out, in / groups, kernel, kernel]
  at::Tensor bias;        // [out]
  at::Tensor float_bias;  // the same in fp32
  at::Tensor taps;        // where each channel stands by itself: [kernel, kernel, out]
};

// Where the network's tensors go.
struct Target {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  // Channel counts are rounded up to a multiple of this, with zeros, for kernels that fetch several channels at once.
  std::int64_t channel_multiple = 1;

  std::int64_t padded(std::int64_t channels) const {
    return (channels + channel_multiple - 1) / channel_multiple * channel_multiple;
  }
};

// The tensors whose channels, one after the other, are a convolution's input, or its output: each is rounded up.
// Empty: one tensor.
struct Parts {
  std::vector<std::int64_t> in;
  std::vector<std::int64_t> out;
};

// NAME.weight, and NAME.bias where the file has one (zeros else).
Conv load_conv(const Tensors& tensors, const std::string& name, const ConvShape& shape, const Target& target,
               const Parts& parts = {});

// A convolution without bias and the BatchNorm after it (inference: running statistics), as one:
// w' = w * gamma / sqrt(var + eps), b' = beta - mean * gamma / sqrt(var + eps), computed in double precision.
Conv load_conv_norm(const Tensors& tensors, const std::string& conv, const std::string& norm, double eps,
                    const ConvShape& shape, const Target& target, const Parts& parts = {});

}  // namespace liveedit::networks::rvm
