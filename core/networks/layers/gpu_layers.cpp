// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/gpu_layers.h"

#include <mutex>

namespace liveedit::networks {
namespace {

GpuLayers given;
std::once_flag once;

// cuDNN adds bias and residual and cuts below zero before its result leaves the chip, where the channels fill its
// tiles.
bool cudnn_ends_with_relu(const at::Tensor& x, const at::Tensor& weight) {
  return x.scalar_type() != at::kFloat && x.is_contiguous(at::MemoryFormat::ChannelsLast) && weight.size(0) % 8 == 0 &&
         weight.size(1) % 8 == 0;
}

}  // namespace

void set_gpu_layers(const GpuLayers& layers) {
  std::call_once(once, [&] { given = layers; });
}

const GpuLayers& gpu_layers() {
  return given;
}

at::Tensor gpu_conv(const at::Tensor& x, const GpuConv& conv, const at::Tensor& residual, bool relu) {
  if (!x.is_cuda() || given.add_bias == nullptr || !conv.bias.defined()) return {};
  const std::vector<std::int64_t> stride(2, conv.stride);
  const std::vector<std::int64_t> padding(2, conv.padding);
  const std::vector<std::int64_t> dilation(2, 1);
  if (relu && cudnn_ends_with_relu(x, conv.weight)) {
    return residual.defined()
               ? at::cudnn_convolution_add_relu(x, conv.weight, residual, 1, conv.bias, stride, padding, dilation, 1)
               : at::cudnn_convolution_relu(x, conv.weight, conv.bias, stride, padding, dilation, 1);
  }
  // cuDNN's result gets its bias in a pass of its own anyway; ours is the quicker one and takes the rest along.
  at::Tensor y = at::conv2d(x, conv.weight, {}, stride, padding);
  if (given.add_bias(y, conv.bias, residual, relu)) return y;
  y.add_(conv.bias.view({1, -1, 1, 1}));
  if (residual.defined()) y.add_(residual);
  return relu ? y.relu_() : y;
}

}  // namespace liveedit::networks
