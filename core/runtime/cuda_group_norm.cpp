// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_group_norm.h"

#include "core/kernels/group_norm.h"
#include "core/runtime/cuda_stream.h"
#include "core/runtime/cuda_tensors.h"

namespace liveedit::runtime {

namespace {

bool is_bias_of_images(const at::Tensor& values, const at::Tensor& x) {
  return values.is_cuda() && values.dim() == 2 && (values.size(0) == 1 || values.size(0) == x.size(0)) &&
         values.size(1) == x.size(1) && values.scalar_type() == x.scalar_type() && values.is_contiguous();
}

}  // namespace

at::Tensor cuda_group_norm(const at::Tensor& x, const at::Tensor& input_bias, std::int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias, double eps, bool silu) {
  const auto element = element_of(x.scalar_type());
  if (!x.is_cuda() || x.dim() != 4 || !element || x.numel() == 0) return {};
  if (!is_vector(weight, x) || !is_vector(bias, x)) return {};
  if (input_bias.defined() && !is_bias_of_images(input_bias, x)) return {};
  if (!is_channels_last(x) ||
      !kernels::group_norm_supported(static_cast<int>(x.size(1)), static_cast<int>(groups), *element)) {
    return {};
  }
  at::Tensor y = at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
  kernels::GroupNorm norm;
  norm.x = x.const_data_ptr();
  norm.y = y.mutable_data_ptr();
  norm.weight = weight.const_data_ptr();
  norm.bias = bias.const_data_ptr();
  if (input_bias.defined()) {
    norm.input_bias = input_bias.const_data_ptr();
    norm.input_bias_step = input_bias.size(0) == 1 ? 0 : input_bias.size(1);
  }
  norm.images = static_cast<int>(x.size(0));
  norm.positions = x.size(2) * x.size(3);
  norm.channels = static_cast<int>(x.size(1));
  norm.groups = static_cast<int>(groups);
  norm.epsilon = static_cast<float>(eps);
  norm.silu = silu;
  norm.element = *element;
  at::Tensor workspace;
  if (const std::size_t bytes = kernels::group_norm_workspace_bytes(norm); bytes > 0) {
    workspace = at::empty({static_cast<std::int64_t>(bytes)}, x.options().dtype(at::kByte));
  }
  kernels::group_norm_cuda(norm, workspace.defined() ? workspace.mutable_data_ptr() : nullptr, current_cuda_stream());
  return y;
}

}  // namespace liveedit::runtime
