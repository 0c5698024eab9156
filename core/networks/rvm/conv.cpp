// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/conv.h"

#include "core/networks/rvm/gpu_layers.h"

namespace liveedit::networks::rvm {
namespace {

// Each part of dimension `dim` rounded up with zeros.
at::Tensor pad_parts(const at::Tensor& x, std::int64_t dim, std::vector<std::int64_t> parts, const Target& target) {
  if (parts.empty()) parts = {x.size(dim)};
  std::vector<at::Tensor> padded;
  std::int64_t start = 0;
  for (const std::int64_t size : parts) {
    padded.push_back(x.narrow(dim, start, size));
    start += size;
    std::vector<std::int64_t> rest(x.sizes().begin(), x.sizes().end());
    rest[dim] = target.padded(size) - size;
    if (rest[dim] > 0) padded.push_back(at::zeros(rest, x.options()));
  }
  return padded.size() == 1 ? x : at::cat(padded, dim);
}

Conv placed(const ConvShape& shape, const at::Tensor& weight, const at::Tensor& bias, const Target& target,
            const Parts& parts) {
  Conv conv;
  conv.shape = shape;
  at::Tensor whole = pad_parts(weight, 0, parts.out, target);
  if (shape.groups == 1) whole = pad_parts(whole, 1, parts.in, target);
  conv.shape.out = whole.size(0);
  conv.shape.groups = shape.groups == 1 ? 1 : conv.shape.out;
  conv.shape.in = whole.size(1) * conv.shape.groups;
  const at::Tensor whole_bias = pad_parts(bias, 0, parts.out, target);
  conv.weight = whole.to(target.dtype).to(target.device).contiguous(at::MemoryFormat::ChannelsLast);
  conv.bias = whole_bias.to(target.dtype).to(target.device).contiguous();
  conv.float_bias = whole_bias.to(at::kFloat).to(target.device).contiguous();
  if (conv.shape.groups > 1) conv.taps = conv.weight.permute({2, 3, 0, 1}).squeeze(3).contiguous();
  return conv;
}

std::vector<std::int64_t> weight_shape(const ConvShape& shape) {
  return {shape.out, shape.in / shape.groups, shape.kernel, shape.kernel};
}

}  // namespace

at::Tensor activate_in_place(Activation activation, at::Tensor x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x.relu_();
    case Activation::kHardSwish:
      return at::hardswish_(x);
    case Activation::kHardSigmoid:
      return at::hardsigmoid_(x);
    case Activation::kSigmoid:
      return x.sigmoid_();
    case Activation::kTanh:
      return x.tanh_();
  }
  return x;
}

at::Tensor Conv::operator()(const at::Tensor& x) const {
  if (const GpuLayers* gpu = gpu_layers_for(x)) return gpu->conv(*this, x, {}, {}, {});
  const at::Tensor y = at::conv2d(x, weight, bias, {shape.stride, shape.stride}, {padding(), padding()},
                                  {shape.dilation, shape.dilation}, shape.groups);
  return activate_in_place(shape.activation, y);
}

at::Tensor Conv::then_add(const at::Tensor& x, const at::Tensor& residual) const {
  if (const GpuLayers* gpu = gpu_layers_for(x)) return gpu->conv(*this, x, residual, {}, {});
  at::Tensor y = at::conv2d(x, weight, bias, {shape.stride, shape.stride}, {padding(), padding()},
                            {shape.dilation, shape.dilation}, shape.groups);
  return activate_in_place(shape.activation, y.add_(residual));
}

Conv load_conv(const Tensors& tensors, const std::string& name, const ConvShape& shape, const Target& target,
               const Parts& parts) {
  const at::Tensor weight = tensors.get(name + ".weight", weight_shape(shape));
  const bool has_bias = tensors.has(name + ".bias");
  const at::Tensor bias = has_bias ? tensors.get(name + ".bias", {shape.out}) : at::zeros({shape.out}, at::kFloat);
  return placed(shape, weight, bias, target, parts);
}

Conv load_conv_norm(const Tensors& tensors, const std::string& conv, const std::string& norm, double eps,
                    const ConvShape& shape, const Target& target, const Parts& parts) {
  const auto vector = [&](const char* part) { return tensors.get(norm + part, {shape.out}).to(at::kDouble); };
  const at::Tensor scale = vector(".weight") / (vector(".running_var") + eps).sqrt();
  const at::Tensor weight = tensors.get(conv + ".weight", weight_shape(shape)).to(at::kDouble);
  const at::Tensor bias = vector(".bias") - vector(".running_mean") * scale;
  return placed(shape, weight * scale.view({-1, 1, 1, 1}), bias, target, parts);
}

}  // namespace liveedit::networks::rvm
